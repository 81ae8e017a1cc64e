/*
 * A primary stands still for longer than the node timeout: a suspended host, a stuck disk, a stop-the-world. A replica
 * takes over. When the old primary wakes, its state still says ok, and it answers what had queued up in its sockets
 * before it reads from the bus that it was replaced (ae.c aeProcessEvents: sockets in no order of importance). Clients
 * without a deadline hold those answers for acknowledgements, and the writes are gone with the full resync that follows.
 *
 * Scaled: the node timeout is 2 s instead of 15 s. What queues up grows with the number of clients, not with the timeout.
 */
import pause from '../src/fault/pause.ts';
import { defineExperiment, replaced, safeties } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'paused-primary',
  hypothesis: 'A primary that was paused and replaced acknowledges nothing that is lost when it wakes.',
  failure: {
    level: 'hard',
    symptom: 'a primary that stood still wakes and acknowledges writes that are gone a moment later',
    cause:
      'It was replaced meanwhile and does not know it: its state still says ok, and it answers what had queued up in its sockets in the same turn in which the bus could tell it (ae.c aeProcessEvents).',
    setting: 'the pause, where it is longer than cluster-node-timeout, and how many operations clients have under way without a deadline',
    remedy:
      'WAIT 1 for what must not be lost; a node timeout longer than the pauses that are known, such as those of a snapshot of the host.',
    audit:
      'No setting decides once the pause has outlasted cluster-node-timeout: min-replicas-to-write is judged by a count that is made once a second (replication.c replicationCron) and still stands when the queued writes are answered.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  budget: { lostWrites: 0 },
  // The clients wait for an answer as long as it takes, as many libraries do by default.
  variants: safeties(({ wait }) => setAdd({ rate: 1_000, clients: 24, pipeline: 4, timeoutMs: 20_000, wait, readShare: 0 }), {
    wounded: { expect: { 'no-acknowledged-write-lost': 'violated' } },
    // No cure: how many replicas follow is counted once a second (replication.c replicationCron), and the old count still
    // stands when the queued writes are answered.
    'min-replicas': { expect: { 'no-acknowledged-write-lost': 'violated' } },
  }),
  async disturb({ inject, need, sleep }) {
    await using paused = await inject(pause('one primary'));
    await need('the replica serves the slots', (timeline) => replaced(timeline, paused.nodes[0] ?? ''), '15s');
    await sleep('500ms');
  },
});
