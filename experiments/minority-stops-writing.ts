/*
 * One switch fails, and behind it stand a primary and its only replica. People expect to lose that shard, and lose the whole
 * cluster: the majority has no replica to elect, and with cluster-require-full-coverage, the default, one uncovered slot
 * makes every node refuse. On its side the primary goes on acknowledging at first. A document says that a minority stops
 * after the node timeout; it stops when the later of the two other primaries is in PFAIL there (cluster.c
 * clusterUpdateState), and each gets there a node timeout after a ping that may be sent half a node timeout late
 * (clusterCron). Here nothing of that is lost, since nobody took over; where the replica stands elsewhere, it is.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, and all times with it. The run shows when the minority refuses, that the
 * others refuse as well, and that after the heal all come back by themselves, without a failover.
 */
import partition from '../src/fault/partition.ts';
import { defineExperiment, refuses, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'minority-stops-writing',
  hypothesis:
    'A primary that is cut off from the majority together with its replica refuses within 1.5 node timeouts, and the other shards go on.',
  failure: {
    level: 'easy',
    symptom: 'one switch is down, and all clients of the cluster get CLUSTERDOWN',
    cause:
      'A primary that sees fewer than a majority refuses (cluster.c clusterUpdateState), and nobody on the other side can take its slots over; with them uncovered the majority refuses too.',
    setting: 'where the replicas stand; cluster-require-full-coverage decides what becomes of the other shards',
    remedy:
      'Each replica behind another switch than its primary; cluster-require-full-coverage no where a part of the keys is better than none.',
    engines:
      'Where the replica is with the majority, the other shards refuse for the election alone: 0.5 to 1 s, and from Valkey 9.0 on hardly at all.',
    audit: 'No setting decides where a replica stands, and cluster-require-full-coverage no spares the other shards only.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  workload: setAdd({ rate: 300, readShare: 0 }),
  // A primary that is cut off is rightly marked fail, although it answers the clients that reach both sides.
  invariants: { except: ['live-primary-keeps-its-slots'] },
  // 1.5 node timeouts; a failover (2 node timeouts and 1.5 s); an election. Each with what measuring adds.
  budget: { aloneMs: 4_000, gapMs: 7_000, otherShardsGapMs: 2_500, failovers: 0 },
  variants: {
    wounded: {
      about: 'the replica stands behind the same switch as its primary',
      expect: { 'gap-bounded': 'violated', 'other-shards-serve': 'violated' },
    },
    partial: {
      about: 'the same with cluster-require-full-coverage no: the other shards are spared',
      config: { 'cluster-require-full-coverage': 'no' },
      expect: { 'gap-bounded': 'violated' },
    },
    cured: { about: 'the replica stands with the majority, which elects it', budget: { failovers: 1 } },
  },
  async disturb({ inject, until, need, sleep, variant }) {
    await using parted = await inject(partition(variant === 'cured' ? 'one primary' : 'one primary and its replica'));
    const cutOff = parted.nodes.filter((node) => (parted.plan as { cutOff: string[] }).cutOff.includes(node));
    const primary = cutOff[0] ?? '';
    await until('the minority refuses', (timeline) => refuses(timeline, primary), '6s');
    if (variant === 'cured') await need('the replica serves the slots', (timeline) => replaced(timeline, primary), '8s');
    // Longer than any failover would take, less the node timeout for which a primary waits before it serves again.
    else await sleep('6s');
  },
});
