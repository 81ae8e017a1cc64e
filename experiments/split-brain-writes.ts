/*
 * A primary is cut off together with some of its clients. It goes on acknowledging their writes until it has missed a
 * majority, which takes up to one and a half node timeouts (cluster.c clusterUpdateState counts primaries in PFAIL, and
 * each becomes that only after a ping went unanswered for a node timeout). The other side elects a replica meanwhile.
 * When the partition heals, the old primary becomes a replica, and all that it acknowledged alone is thrown away.
 *
 * Scaled: the node timeout is 5 s instead of 15 s, and the loss with it; min-replicas-max-lag is 1 s instead of 10 s. A primary
 * with that lag refuses up to 3 s after the last word of its replica, for ages are whole seconds and looked at once a second
 * (replication.c refreshGoodSlavesCount); one without it acknowledges for the node timeout at the least. The limit lies between.
 */
import partition from '../src/fault/partition.ts';
import { defineExperiment, replaced, safeties } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'split-brain-writes',
  hypothesis: 'Writes that a primary acknowledges while it is cut off with its clients are lost for less than 3.75 s.',
  failure: {
    level: 'hard',
    symptom: 'writes of seconds are gone after a partition, though every one of them was acknowledged',
    cause:
      'A primary that is cut off with its clients acknowledges until it has missed a majority, up to 1.5 node timeouts later (cluster.c clusterCron, clusterUpdateState), and throws all of it away when it becomes a replica of the one that was elected meanwhile.',
    setting:
      'min-replicas-to-write and min-replicas-max-lag; without them cluster-node-timeout. A loss of up to 11 s in production (3.75 s here) counts as borne.',
    remedy:
      'min-replicas-to-write 1 with a short min-replicas-max-lag ends the writes of a primary that hears no replica; WAIT 1 leaves nothing acknowledged that is lost. Neither makes it consistent.',
    audit: {
      scale: { 'min-replicas-to-write': 1, 'min-replicas-max-lag': 1 / 10, 'cluster-node-timeout': 5 / 15 },
      lines: ['min-replicas-to-write 1', 'min-replicas-max-lag 10'],
    },
  },
  cluster: { config: { 'cluster-node-timeout': 5_000 }, places: 2 },
  // A primary that is cut off is rightly replaced, although it answers whoever is on its side.
  invariants: { except: ['live-primary-keeps-its-slots'] },
  budget: { lossWindowMs: 3_750, lostWrites: 1_000_000 },
  variants: safeties(({ wait }) => setAdd({ rate: 600, clients: 24, places: ['client-1', 'client-2'], wait, readShare: 0.05 }), {
    wounded: { expect: { 'no-acknowledged-write-lost': 'violated' } },
    wait: { budget: { lostWrites: 0 } },
    cured: { budget: { lostWrites: 0 } },
  }),
  async disturb({ cluster, inject, need, sleep }) {
    await using parted = await inject(partition('one primary', { withTarget: 'client-1' }));
    // Whoever audits a longer node timeout is to see the failover as well.
    const withinMs = 5 * Number(cluster.settings['cluster-node-timeout']);
    await need('the replica serves the slots', (timeline) => replaced(timeline, parted.nodes[0] ?? ''), `${withinMs}ms`);
    await sleep('1500ms');
  },
});
