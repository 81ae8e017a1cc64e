import { gapsBounded, type Invariant, unknown, withHistory } from '../invariant.ts';
import { type ShardGap, usualGapMs } from '../timeline/gaps.ts';

/** Counted for the slots that each primary had at the start, whoever serves them later; a shard that nobody writes to is left out. */
export default {
  name: 'gap-bounded',
  claim: 'No shard goes without an acknowledged write for longer than a failover may take, or than the experiment allows.',
  suits: ({ workload }) => workload.readShare < 1,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { shards } }) => {
      const tried = shards
        .filter(({ stall }) => stall !== null)
        .map(({ shard, writeGapMs: ms, writeGapFromMs: fromMs }): ShardGap => ({
          shard,
          gap: ms === null || fromMs === null ? null : { ms, fromMs },
        }));
      if (tried.every(({ gap }) => gap === null)) return unknown('no write was ever acknowledged');
      const words = { did: 'took no write', never: 'never took a write', does: 'took a write' };
      return gapsBounded(timeline, tried, timeline.run.budget.gapMs ?? usualGapMs(timeline), words);
    }),
} satisfies Invariant;
