/*
 * A replica dies and nobody minds; some time later its primary dies too. Nobody is left to take the slots over, and with
 * cluster-require-full-coverage, the default, all other shards refuse with them. A primary elsewhere has a replica to spare,
 * which would have moved: a primary without a replica is adopted 5 s later by a spare one (cluster.c
 * clusterHandleSlaveMigration), if the donor keeps cluster-migration-barrier others. A barrier above what the donor has
 * left, as people set it to keep replicas where they were put, takes that away.
 *
 * Scaled: the node timeout is 2 s instead of 15 s. The 5 s (CLUSTER_SLAVE_MIGRATION_DELAY) and the barrier have no scale.
 * Both nodes return with their data, from an append-only file.
 */
import { nodeNamed } from '../src/cluster.ts';
import kill from '../src/fault/kill.ts';
import { defineExperiment, ever, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

const [primary, replica] = ['node-1', 'node-4'];

export default defineExperiment({
  name: 'no-replica-left',
  hypothesis: 'A shard whose replica dies before its primary is served on, as long as another shard has a replica to spare.',
  failure: {
    level: 'medium',
    symptom: 'a replica died last week, its primary dies today, and the whole cluster refuses: CLUSTERDOWN',
    cause:
      'A replica moves to a primary without one only where its own keeps more than cluster-migration-barrier others (cluster.c clusterHandleSlaveMigration); uncovered slots make every node refuse (clusterUpdateState).',
    setting: 'cluster-migration-barrier and cluster-allow-replica-migration; cluster-require-full-coverage decides for the other shards',
    remedy: 'One replica to spare in the cluster and a barrier that lets it go; replace what died before the next one does.',
    engines:
      'Redis 6.0 has no cluster-allow-replica-migration: there the barrier alone decides. A replica that comes back when its old primary has become a replica stays the replica of a replica there; from 7.0 on it follows the new primary.',
    audit: {
      scale: { 'cluster-migration-barrier': 1, 'cluster-allow-replica-migration': 1 },
      lines: ['cluster-migration-barrier 1', 'cluster-allow-replica-migration yes'],
    },
  },
  // A primary that refuses for want of a replica is another failure.
  cluster: { replicas: [1, 1, 2], config: { 'cluster-node-timeout': 2_000, appendonly: 'yes', 'min-replicas-to-write': 0 } },
  workload: setAdd({ rate: 300, readShare: 0 }),
  // A failover (two node timeouts and 1.5 s) and an election, each with what measuring adds.
  budget: { gapMs: 7_000, otherShardsGapMs: 2_500 },
  variants: {
    wounded: {
      about: 'the barrier keeps the spare replica where it is',
      config: { 'cluster-migration-barrier': 2 },
      expect: { 'gap-bounded': 'violated', 'other-shards-serve': 'violated' },
    },
    partial: {
      about: 'the same with cluster-require-full-coverage no: the other shards are spared',
      config: { 'cluster-migration-barrier': 2, 'cluster-require-full-coverage': 'no' },
      expect: { 'gap-bounded': 'violated' },
    },
    cured: { about: 'the spare replica moves, and takes over' },
  },
  async disturb({ cluster, inject, until, variant }) {
    const itsAddress = nodeNamed(cluster, replica).address;
    await using dead = await inject(kill(replica));
    // Until the replica is marked fail, 5 s, and a full resync. By the primary's word, and only when the replica has
    // acknowledged what was written until it was online: before that it lacks what came during the transfer.
    let wanted = Number.POSITIVE_INFINITY;
    const inStep = ever('replication', ({ node, value: { offset, replicas } }) => {
      const other = replicas.find(({ address, state }) => address !== itsAddress && state === 'online');
      if (node !== primary || !other) return false;
      wanted = Math.min(wanted, offset);
      return other.offset >= wanted;
    });
    await until('another replica has come and is in step', inStep, '14s');
    await using _primary = await inject(kill(primary));
    await until('a replica serves the slots', (timeline) => replaced(timeline, primary), '9s');
    // First, while the dead primary is still listed as one: Redis 6.0 would leave it the replica of a replica.
    if (variant === 'cured') await dead.heal();
  },
});
