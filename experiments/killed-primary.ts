/*
 * A primary's process is killed under load. People see its slots refuse for a few seconds, until a replica is elected,
 * and fear for what was acknowledged last. The engine writes to its replicas in the turn in which it answers its clients
 * (server.c beforeSleep, networking.c handleClientsWithPendingWrites), and what is in a socket the kernel delivers: a
 * process that dies loses next to nothing. A host that dies loses what was on its way.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, with which a failover takes up to 5.5 s (timeline/theory.ts), and a gap of 7 s
 * stands for the 52 s that may be felt at most. Wounded has 8 s, for 60 s. The loss does not grow with it.
 */
import kill from '../src/fault/kill.ts';
import { defineExperiment, replaced, safeties } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

/** With either means nothing is acknowledged before the old primary is back and follows the new one: 2 s on top of a failover. */
const untilFollowed = { gapMs: 9_000 };

export default defineExperiment({
  name: 'killed-primary',
  hypothesis: 'A primary that is killed under load is replaced in 7 s, and nothing that it had acknowledged is lost.',
  failure: {
    level: 'easy',
    symptom: 'the slots of one primary refuse for seconds, while the others serve',
    cause:
      'Nobody takes over before the node timeout has passed, a majority agrees and the election delay is over (cluster.c clusterCron, markNodeAsFailingIfNeeded, clusterHandleSlaveFailover).',
    setting: 'cluster-node-timeout: the slots refuse for one to two node timeouts and up to 1.5 s',
    remedy:
      'A replica for each primary, a node timeout no longer than the outage that may be felt, and clients that try again; WAIT for what must survive the loss of a host.',
    engines:
      'Valkey from 9.1 on does not wait for the election where a replica has no rival, from 9.0 on hardly; the others wait 0.5 to 1 s.',
    audit: {
      scale: { 'cluster-node-timeout': 2 / 15 },
      lines: ['cluster-node-timeout 15000'],
    },
  },
  // How long a shard refuses for want of a replica is not the question of its node timeout.
  cluster: { config: { 'cluster-node-timeout': 2_000, 'min-replicas-to-write': 0 } },
  budget: { lostWrites: 0, gapMs: 7_000 },
  variants: safeties(({ wait }) => setAdd({ rate: 1_000, clients: 24, wait, readShare: 0.05 }), {
    wounded: {
      about: 'a node timeout longer than the outage that may be felt',
      config: { 'cluster-node-timeout': 8_000 },
      expect: { 'gap-bounded': 'violated' },
    },
    wait: { budget: untilFollowed },
    'min-replicas': { budget: untilFollowed },
    cured: { budget: untilFollowed },
  }),
  async disturb({ inject, need }) {
    await using killed = await inject(kill('one primary'));
    await need('the replica serves the slots', (timeline) => replaced(timeline, killed.nodes[0] ?? ''), '30s');
  },
});
