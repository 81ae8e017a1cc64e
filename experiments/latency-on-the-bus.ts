/*
 * Packets of the bus are late, though in time for the node timeout: quality of service that puts port 16379 last, a tunnel
 * for it alone. People reckon that a round trip below the node timeout is safe. It is not: a node gives up a link when a
 * ping was not answered and nothing was heard for half the timeout (cluster.c clusterCron), and the new link costs two
 * round trips before an answer can come. So a network that is slower than half the timeout is one that fails.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, and the round trip 1.7 s or a little more instead of 13 s.
 *
 * What the run shows: clients see a fast primary, its replica is in step with it, and still it is failed over, within seconds
 * or a good deal later, as the pings of both sides happen to fall. A timeout of three and a half round trips bears it. With
 * all traffic between nodes late it bears the bus as well, and what is left is a replica that is 2 to 3 s behind.
 */
import latency from '../src/fault/latency.ts';
import { defineExperiment, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

const lost = {
  'failovers-bounded': 'violated',
  'live-primary-keeps-its-slots': 'violated',
  'suspicions-bounded': 'violated',
  // What was held up undoes for a while what has been agreed, as after any late packet.
  'recovers-in-time': 'open',
} as const;

export default defineExperiment({
  name: 'latency-on-the-bus',
  hypothesis: 'A cluster bears every latency of its bus with which a round trip is shorter than the node timeout.',
  failure: {
    level: 'medium',
    symptom: 'links of the bus come and go and a primary is failed over, while a round trip is well below the node timeout',
    cause:
      'A link with an unanswered ping is given up after half the node timeout (cluster.c clusterCron), and answers can come again only two round trips later.',
    setting: 'cluster-node-timeout beside the round trip on the bus port',
    remedy: 'A node timeout of at least four round trips of the bus, and the same priority for 16379 as for 6379.',
    audit: 'No setting alone decides: it is the round trip of the bus beside half of cluster-node-timeout.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  // What is lost with a primary that is deposed while it serves is for split-brain-writes to bound: here it is only counted.
  workload: setAdd({ rate: 200, readShare: 0 }),
  budget: { failovers: 0, suspicions: 0, lostWrites: 1_000_000, splitBrainMs: 10_000 },
  variants: {
    wounded: { about: 'the bus of one primary: 800 to 900 ms each way', expect: lost },
    'all-traffic': { about: 'all traffic between one primary and the other nodes: 800 to 900 ms each way', expect: lost },
    cured: { about: 'the bus of one primary, a node timeout of 6 s', config: { 'cluster-node-timeout': 6_000 } },
    lagging: {
      about: 'all traffic between one primary and the other nodes, a node timeout of 6 s: no failover, but a replica that is behind',
      config: { 'cluster-node-timeout': 6_000 },
      budget: { lagSeconds: 0.5 },
      expect: { 'replication-lag-bounded': 'violated' },
    },
  },
  async disturb({ inject, until, variant }) {
    const port = variant === 'all-traffic' || variant === 'lagging' ? 'all' : 'bus';
    await using late = await inject(latency('one primary', { delay: '850ms', jitter: '50ms', port, peers: 'everyone else' }));
    // Two node timeouts: with 2 s, the first suspicion comes within two of them.
    const within = variant === 'cured' || variant === 'lagging' ? '12s' : '35s';
    await until('it is replaced', (timeline) => replaced(timeline, late.nodes[0] ?? ''), within);
  },
});
