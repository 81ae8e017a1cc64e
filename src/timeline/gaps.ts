import { formatMs } from '../base/duration.ts';
import { sharedSlots } from './claims.ts';
import { failedAtMs, failovers } from './failovers.ts';
import { allowanceMs, failoverBoundsMs } from './theory.ts';
import type { Timeline } from './timeline.ts';

/** The longest time for which the slots that a primary had at the start were not served; null where they never were. */
export interface ShardGap {
  readonly shard: string;
  readonly gap: { readonly ms: number; readonly fromMs: number } | null;
}

/** How long slots may go unserved where the experiment does not say: for as long as a failover may take, and what measuring adds. */
export const usualGapMs = ({ run }: Timeline): number => failoverBoundsMs(run)[1] + allowanceMs;

/** Whether somebody took over from the primary of a shard in its gap, and when it was marked failed: why it lasted. */
export function storyOf(timeline: Timeline, { shard, gap }: ShardGap): string {
  if (!gap) return '';
  const slots = timeline.run.nodes.find(({ name }) => name === shard)?.slots ?? [];
  const took = failovers(timeline).filter((failover) => sharedSlots(failover.slots, slots) > 0);
  const during = took.find(({ atMs }) => atMs >= gap.fromMs && atMs <= gap.fromMs + gap.ms);
  const since = `from ${formatMs(gap.fromMs)} on`;
  if (during) return `${since}; ${during.by} took over after ${formatMs(during.atMs - gap.fromMs)}`;
  const before = took.findLast(({ atMs }) => atMs < gap.fromMs);
  const failedMs = failedAtMs(timeline, before?.by ?? shard, gap.fromMs, gap.fromMs + gap.ms);
  if (failedMs === undefined) return since;
  return `${since}; ${before?.by ?? shard} was marked failed after ${formatMs(failedMs - gap.fromMs)}, and nobody took over`;
}
