import { gapsBounded, type Invariant, unknown, withHistory } from '../invariant.ts';
import { usualGapMs } from '../timeline/gaps.ts';

/** As gap-bounded, for reads: of primaries or of replicas, as the workload asks them. A shard of which nobody reads is left out. */
export default {
  name: 'read-gap-bounded',
  claim: 'No shard goes without an answered read for longer than a failover may take, or than the experiment allows.',
  suits: ({ workload }) => workload.readShare > 0,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { shards } }) => {
      const tried = shards.flatMap(({ shard, readGap: gap }) => (gap ? [{ shard, gap }] : []));
      if (tried.length === 0) return unknown('no read was ever tried');
      const words = { did: 'answered no read', never: 'never answered a read', does: 'answered a read' };
      return gapsBounded(timeline, tried, timeline.run.budget.readGapMs ?? usualGapMs(timeline), words);
    }),
} satisfies Invariant;
