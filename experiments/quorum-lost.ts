/*
 * Two of three primaries are gone at once, with the host on which both ran. People see two replicas, alive and in step, that
 * do nothing: a primary is marked FAIL only by a majority of primaries (cluster.c markNodeAsFailingIfNeeded), one that is
 * left is none, and without FAIL nobody may vote (clusterSendFailoverAuthIfNeeded). FAILOVER FORCE answers OK, which means
 * that it was noted, and gets no votes either. One of the two back is a majority again: it and the survivor elect the
 * replica of the other. TAKEOVER asks nobody and is the way out where neither comes back.
 *
 * Scaled: the node timeout is 2 s instead of 15 s. A primary that returns has its data, from an append-only file; without
 * it, it would come back empty (experiment empty-restart-wipes-shard).
 */
import kill from '../src/fault/kill.ts';
import { defineExperiment, refuses, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'quorum-lost',
  hypothesis: 'Where two of three primaries are gone at once, their replicas take over, by themselves or by CLUSTER FAILOVER FORCE.',
  failure: {
    level: 'medium',
    symptom: 'two primaries are down, both have a replica that is up, and no replica takes over: CLUSTERDOWN for as long as it lasts',
    cause:
      'FAIL and votes both want a majority of the primaries with slots, those that are down counted in (cluster.c markNodeAsFailingIfNeeded, clusterHandleSlaveFailover).',
    setting: 'how many primaries share a host, a rack or a zone; no setting lowers the majority',
    remedy:
      'Never half of the primaries in one place. One of them back is enough; where none can, CLUSTER FAILOVER TAKEOVER at a replica of each, when they are surely dead.',
    audit: 'No setting decides: a majority is more than half of the primaries with slots, whatever the configuration says.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000, appendonly: 'yes' } },
  workload: setAdd({ rate: 300, readShare: 0 }),
  // Until all refuse (1.5 node timeouts), a restart, and a failover that begins only then; with what measuring adds.
  budget: { gapMs: 12_000 },
  variants: {
    wounded: { about: 'both stay away; FAILOVER FORCE at their replicas', expect: { 'gap-bounded': 'violated' } },
    repair: { about: 'both stay away; FAILOVER TAKEOVER at their replicas' },
    cured: { about: 'one of the two comes back' },
  },
  async disturb({ cluster, inject, ask, until, sleep, variant }) {
    await using first = await inject(kill('one primary'));
    const [one = ''] = first.nodes;
    await using second = await inject(kill(`one primary except ${one}`));
    const [other = ''] = second.nodes;
    const living = cluster.nodes.filter(({ name }) => name !== one && name !== other);
    const replicas = living.filter(({ primary }) => primary === one || primary === other);
    await until('all that are left refuse', (timeline) => living.every(({ name }) => refuses(timeline, name)), '8s');
    if (variant === 'cured') {
      await first.heal();
      await until('the replica of the other serves its slots', (timeline) => replaced(timeline, other), '12s');
      return;
    }
    for (const { name } of replicas) await ask(name, 'CLUSTER', 'FAILOVER', variant === 'repair' ? 'TAKEOVER' : 'FORCE');
    if (variant === 'repair')
      await until('nobody refuses any more', (timeline) => living.every(({ name }) => !refuses(timeline, name)), '8s');
    else await sleep('12s');
  },
});
