import { formatMs } from '../base/duration.ts';
import { gapsTooLong, type Invariant, held, unknown, withHistory } from '../invariant.ts';

/** Counted for the slots that each primary had at the start, whoever serves them later; a shard that nobody writes to is left out. */
export default {
  name: 'gap-bounded',
  claim: 'No shard goes without an acknowledged write for longer than the experiment allows.',
  suits: ({ budget }) => budget.gapMs !== undefined,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { shards } }) => {
      const limitMs = timeline.run.budget.gapMs;
      if (limitMs === undefined) return unknown('the experiment sets no limit');
      const tried = shards.filter(({ stall }) => stall !== null);
      const never = tried.filter(({ writeGapMs }) => writeGapMs === null);
      if (tried.length === 0 || never.length === tried.length) return unknown('no write was ever acknowledged');
      const long = tried.filter(({ writeGapMs }) => writeGapMs === null || writeGapMs > limitMs);
      const text = ({ shard, writeGapMs }: (typeof tried)[number]): string =>
        writeGapMs === null ? `${shard}'s slots never took a write` : `${shard}'s slots took no write for ${formatMs(writeGapMs)}`;
      if (long.length > 0)
        return gapsTooLong(timeline, long, limitMs, `${long.map(text).join('; ')}, where ${formatMs(limitMs)} are allowed`);
      const longestMs = Math.max(...tried.map(({ writeGapMs }) => writeGapMs ?? 0));
      return held(`every shard took a write at least every ${formatMs(longestMs)}, where ${formatMs(limitMs)} are allowed`);
    }),
} satisfies Invariant;
