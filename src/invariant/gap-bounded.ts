import { formatMs } from '../base/duration.ts';
import { gapsTooLong, type Invariant, held, unknown, withHistory } from '../invariant.ts';
import { type ShardGap, storyOf, usualGapMs } from '../timeline/gaps.ts';

/** Counted for the slots that each primary had at the start, whoever serves them later; a shard that nobody writes to is left out. */
export default {
  name: 'gap-bounded',
  claim: 'No shard goes without an acknowledged write for longer than a failover may take, or than the experiment allows.',
  suits: ({ workload }) => workload.readShare < 1,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { shards } }) => {
      const limitMs = timeline.run.budget.gapMs ?? usualGapMs(timeline);
      const tried = shards
        .filter(({ stall }) => stall !== null)
        .map(({ shard, writeGapMs: ms, writeGapFromMs: fromMs }): ShardGap => ({
          shard,
          gap: ms === null || fromMs === null ? null : { ms, fromMs },
        }));
      if (tried.every(({ gap }) => gap === null)) return unknown('no write was ever acknowledged');
      const long = tried.filter(({ gap }) => gap === null || gap.ms > limitMs);
      const text = (each: ShardGap): string =>
        each.gap === null
          ? `${each.shard}'s slots never took a write`
          : `${each.shard}'s slots took no write for ${formatMs(each.gap.ms)} (${storyOf(timeline, each)})`;
      if (long.length > 0)
        return gapsTooLong(timeline, long, limitMs, `${long.map(text).join('; ')}, where ${formatMs(limitMs)} are allowed`);
      const longestMs = Math.max(...tried.map(({ gap }) => gap?.ms ?? 0));
      return held(`every shard took a write at least every ${formatMs(longestMs)}, where ${formatMs(limitMs)} are allowed`);
    }),
} satisfies Invariant;
