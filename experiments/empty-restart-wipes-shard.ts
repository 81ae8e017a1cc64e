/*
 * A primary that persists nothing dies and is back within the node timeout: a supervisor that starts it at once, a pod
 * with a short probe. Nobody has marked it failed, so nobody takes over; nodes.conf says that it is the primary of its
 * slots, and it is empty. Its replica, which had everything, asks to go on, is refused as the history is another, and
 * replaces its data with nothing (replication.c masterTryPartialResynchronization, readSyncBulkPayload). Every node says
 * cluster_state:ok. Snapshots bring back no more than the last of them holds.
 *
 * Scaled: the node timeout is 5 s instead of 15 s, and the engine is started at once. The run shows that all that had been
 * acknowledged in the shard is gone, that the AOF keeps it, and that without persistence the same node does no harm when it
 * comes back later than its replica was elected.
 */
import kill from '../src/fault/kill.ts';
import { bitten, defineExperiment, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'empty-restart-wipes-shard',
  hypothesis: 'A primary without persistence that is started again at once costs nothing that was acknowledged, as its replica has it all.',
  failure: {
    level: 'hard',
    symptom: 'the data of a whole shard is gone, on the primary and on its replica, and the cluster says ok',
    cause:
      'A primary that is back before the node timeout is still the owner of its slots (cluster.c clusterLoadConfig), and a replica copies what its primary has, even nothing (replication.c masterTryPartialResynchronization).',
    setting: 'appendonly, and whether the restart takes less than cluster-node-timeout',
    remedy:
      'appendonly yes; or let nothing start a primary again before its replica was elected, which takes up to two node timeouts and 1.5 s.',
    audit: {
      // The restart takes as long as in production.
      scale: { appendonly: 1, 'cluster-node-timeout': 1 },
      lines: ['appendonly yes'],
    },
  },
  cluster: { config: { 'cluster-node-timeout': 5_000 } },
  workload: setAdd({ rate: 300, readShare: 0 }),
  // A failover would save the data in place of the AOF.
  budget: { lostWrites: 0, failovers: 0 },
  variants: {
    wounded: { about: 'nothing is persisted, and the engine is back at once', expect: { 'no-acknowledged-write-lost': 'violated' } },
    cured: { about: 'the AOF is on', config: { appendonly: 'yes' } },
    late: { about: 'nothing is persisted, and the engine is back after its replica was elected', budget: { failovers: 1 } },
  },
  async disturb({ inject, need, variant }) {
    const late = variant === 'late';
    await using killed = await inject(kill('one primary', { restart: late ? 'on-heal' : 'at-once' }));
    const [node = ''] = killed.nodes;
    if (late) await need('the replica serves the slots', (timeline) => replaced(timeline, node), '20s');
    else await need('the fault bites', (timeline) => bitten(timeline, killed), '10s');
  },
});
