import { spanOf } from './claims.ts';
import { causeOf, failedAtMs, failovers, hurtBy, wasAskedFor } from './failovers.ts';
import { recoveredAfterMs } from './health.ts';
import { allowanceMs, type Bounds, detectionBoundsMs, failoverBoundsMs, isolatedWritesMs, recoveryBoundMs } from './theory.ts';
import type { Timeline } from './timeline.ts';

export interface Measure {
  readonly name: string;
  readonly measuredMs: number | null;
  /** What the engine's code promises for these settings, or null where it promises nothing. */
  readonly theoryMs: Bounds | null;
  readonly note?: string;
}

/** How long the slots of one primary took no write; null where they never took any. */
export interface WriteGap {
  readonly shard: string;
  readonly writeGapMs: number | null;
}

/** Detection, failover, write gap of each shard, and rejoin: measured, beside the theory. Null: it did not happen. */
export function measure(timeline: Timeline, gaps: readonly WriteGap[]): Measure[] {
  const { run } = timeline;
  const detection = firstDetection(timeline);
  const failover = firstFailover(timeline);
  const recovered = recoveredAfterMs(timeline);
  return [
    {
      name: 'detection',
      measuredMs: detection && Math.round(detection.ms),
      theoryMs: detectionBoundsMs(run),
      note: `from the fault ${detection ? `at ${detection.node} ` : ''}to the first node that logs or lists fail`,
    },
    {
      name: 'failover',
      measuredMs: failover && Math.round(failover.ms),
      theoryMs: failoverBoundsMs(run),
      note: `from the fault ${failover ? `at ${failover.victim} to the promotion of ${failover.by}` : 'to the promotion of a replica'}`,
    },
    ...writeGaps(timeline, gaps),
    {
      name: 'rejoin',
      measuredMs: recovered === null ? null : Math.round(recovered),
      theoryMs: [0, recoveryBoundMs(run)],
      note: 'from the last heal to a healthy cluster',
    },
  ];
}

/** What may make a node fail, from when on, and how long afterwards a mark or a failover may still be its doing. */
interface Blow {
  readonly nodes: readonly string[];
  readonly atMs: number;
  readonly untilMs: number;
}

/** Faults, and ends of processes that no fault at the node explains. */
function blows(timeline: Timeline): Blow[] {
  const lateMs = failoverBoundsMs(timeline.run)[1] + allowanceMs;
  const faults = timeline.of('fault-injecting').map((fault): Blow => {
    const { injectedAtMs, healedAtMs } = spanOf(timeline, fault.fault);
    return { nodes: hurtBy(fault), atMs: injectedAtMs, untilMs: healedAtMs + lateMs };
  });
  const own = timeline
    .of('container-exited')
    .filter(({ node, atMs }) => causeOf(timeline, { victim: node, atMs }) === undefined)
    .map(({ node, atMs }): Blow => ({ nodes: [node], atMs, untilMs: Number.POSITIVE_INFINITY }));
  return [...faults, ...own].toSorted((a, b) => a.atMs - b.atMs);
}

/** From the first blow that somebody noticed at a node that it hurts. */
function firstDetection(timeline: Timeline): { readonly node: string; readonly ms: number } | null {
  for (const { nodes, atMs, untilMs } of blows(timeline)) {
    const [first] = nodes
      .flatMap((node) => ({ node, ms: (failedAtMs(timeline, node, atMs, untilMs) ?? Number.POSITIVE_INFINITY) - atMs }))
      .toSorted((a, b) => a.ms - b.ms);
    if (first && Number.isFinite(first.ms)) return first;
  }
  return null;
}

/** From what caused the first failover that nobody asked for; one that has no cause has no beginning. */
function firstFailover(timeline: Timeline): { readonly victim: string; readonly by: string; readonly ms: number } | null {
  for (const failover of failovers(timeline)) {
    if (wasAskedFor(timeline, failover)) continue;
    const cause = causeOf(timeline, failover);
    const exit = timeline.of('container-exited').findLast(({ node, atMs }) => node === failover.victim && atMs <= failover.atMs);
    const fromMs = cause ? spanOf(timeline, cause.fault).injectedAtMs : exit?.atMs;
    if (fromMs !== undefined) return { ...failover, ms: failover.atMs - fromMs };
  }
  return null;
}

/** The longest time without an acknowledged write, for the slots that each primary had at the start. */
function writeGaps({ run }: Timeline, gaps: readonly WriteGap[]): Measure[] {
  const failover = failoverBoundsMs(run)[1];
  return gaps.map(({ shard, writeGapMs }) => ({
    name: `write gap of ${shard}'s slots`,
    measuredMs: writeGapMs === null ? null : Math.round(writeGapMs),
    theoryMs: [0, failover] as const,
    note: `a cut-off primary writes on for up to ${isolatedWritesMs(run)} ms`,
  }));
}
