import { formatMs } from '../base/duration.ts';
import { gapsTooLong, type Invariant, held, unknown, withHistory } from '../invariant.ts';
import { type ShardGap, storyOf, usualGapMs } from '../timeline/gaps.ts';

/** As gap-bounded, for reads: of primaries or of replicas, as the workload asks them. A shard of which nobody reads is left out. */
export default {
  name: 'read-gap-bounded',
  claim: 'No shard goes without an answered read for longer than a failover may take, or than the experiment allows.',
  suits: ({ workload }) => workload.readShare > 0,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { shards } }) => {
      const limitMs = timeline.run.budget.readGapMs ?? usualGapMs(timeline);
      const tried = shards.flatMap(({ shard, readGap: gap }): ShardGap[] => (gap ? [{ shard, gap }] : []));
      if (tried.length === 0) return unknown('no read was ever tried');
      const long = tried.filter(({ gap }) => gap !== null && gap.ms > limitMs);
      const text = (each: ShardGap): string =>
        `${each.shard}'s slots answered no read for ${formatMs(each.gap?.ms ?? 0)} (${storyOf(timeline, each)})`;
      if (long.length > 0)
        return gapsTooLong(timeline, long, limitMs, `${long.map(text).join('; ')}, where ${formatMs(limitMs)} are allowed`);
      const longestMs = Math.max(...tried.map(({ gap }) => gap?.ms ?? 0));
      return held(`every shard answered a read at least every ${formatMs(longestMs)}, where ${formatMs(limitMs)} are allowed`);
    }),
} satisfies Invariant;
