import { formatMs } from '../base/duration.ts';
import { gapsTooLong, type Invariant, held, unknown, withHistory } from '../invariant.ts';
import { nameOf, ownLine } from '../timeline/claims.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** The shards of the nodes that faults hurt, by the names of the primaries that they had at the start. */
function hurtShards(timeline: Timeline): Set<string> {
  const hurt = timeline.of('fault-injecting').flatMap(({ exposes }) => exposes.map(({ node }) => node));
  return new Set(
    hurt.map((node) => {
      const primary = ownLine(timeline.seen('topology', { node })[0]?.value ?? [])?.primary ?? null;
      return primary === null ? node : nameOf(timeline.run, primary);
    }),
  );
}

/** A fault may put a rule at every node and hurt one: those count whose writes it endangers. */
export default {
  name: 'other-shards-serve',
  claim: 'A shard of which no fault hurts a node goes on taking writes.',
  suits: ({ budget }) => budget.otherShardsGapMs !== undefined,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { shards } }) => {
      const limitMs = timeline.run.budget.otherShardsGapMs;
      if (limitMs === undefined) return unknown('the experiment sets no limit');
      const hurt = hurtShards(timeline);
      if (hurt.size === 0) return unknown('no fault hurt a shard');
      const others = shards.filter(({ shard, stall, writeGapMs }) => !hurt.has(shard) && stall !== null && writeGapMs !== null);
      if (others.length === 0) return unknown('no write was acknowledged for another shard');
      const gaps = others.map(({ shard, writeGapMs }) => `${shard}'s slots ${formatMs(writeGapMs ?? 0)}`).join(', ');
      const limit = `where ${formatMs(limitMs)} are allowed (hurt: ${[...hurt].join(', ')})`;
      const long = others.filter(({ writeGapMs }) => (writeGapMs ?? 0) > limitMs);
      return long.length > 0
        ? gapsTooLong(
            timeline,
            long.map(({ shard, writeGapMs, writeGapFromMs }) => ({ shard, gap: { ms: writeGapMs ?? 0, fromMs: writeGapFromMs ?? 0 } })),
            limitMs,
            `other shards took no write for a while: ${gaps}, ${limit}`,
          )
        : held(`other shards went without a write for at most so long: ${gaps}, ${limit}`);
    }),
} satisfies Invariant;
