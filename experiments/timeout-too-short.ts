/*
 * Somebody wants failover in a second and sets the node timeout to it, in a network whose packets now and then take as
 * long: a link between two places, a tunnel, a full queue. A primary that is far away is late with every answer, so that
 * its peers take it for dead (cluster.c clusterCron), give up their links to it, and open new ones that take a round trip
 * more. People see failovers of nodes that were never down.
 *
 * Nothing is scaled: packets between one primary and the others take 700 ms in each direction, and the node timeout is
 * 1 s, or 6 s.
 */
import latency from '../src/fault/latency.ts';
import { defineExperiment, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'timeout-too-short',
  hypothesis: 'A primary that is far away from the others, but quick for its clients, is not taken for dead.',
  failure: {
    level: 'easy',
    symptom: 'nodes are marked fail, and fail over, though none of them was ever down',
    cause:
      'A round trip longer than the node timeout looks like death (cluster.c clusterCron), and links that are given up after half of it take a round trip more to open.',
    setting: 'cluster-node-timeout beside the longest round trip between any two nodes',
    remedy: 'A node timeout of several times the longest round trip; the default is 15 s. Between places that are far apart even more.',
    audit: { scale: { 'cluster-node-timeout': 1 }, lines: ['cluster-node-timeout 15000'] },
  },
  // What is lost with a primary that is deposed while it serves is for split-brain-writes to bound: here it is only counted.
  workload: setAdd({ rate: 200, readShare: 0 }),
  budget: { failovers: 0, suspicions: 0, lostWrites: 1_000_000, splitBrainMs: 10_000 },
  variants: {
    wounded: {
      about: 'a node timeout of 1 s, a round trip of 1.4 s',
      config: { 'cluster-node-timeout': 1_000 },
      expect: { 'failovers-bounded': 'violated', 'live-primary-keeps-its-slots': 'violated', 'suspicions-bounded': 'violated' },
    },
    cured: { about: 'a node timeout of 6 s, the same round trip', config: { 'cluster-node-timeout': 6_000 } },
  },
  async disturb({ inject, until }) {
    await using late = await inject(latency('one primary', { delay: '700ms', peers: 'everyone else' }));
    await until('it is replaced', (timeline) => replaced(timeline, late.nodes[0] ?? ''), '12s');
  },
});
