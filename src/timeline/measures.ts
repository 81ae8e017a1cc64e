import { roleChanges } from './claims.ts';
import type { Operation } from './history.ts';
import { type Bounds, detectionBoundsMs, failoverBoundsMs, isolatedWritesMs, recoveryBoundMs } from './theory.ts';
import type { Timeline } from './timeline.ts';

export interface Measure {
  readonly name: string;
  readonly measuredMs: number | null;
  /** What the engine's code promises for these settings, or null where it promises nothing. */
  readonly theoryMs: Bounds | null;
  readonly note?: string;
}

/** Detection, failover, write gap of each shard, and rejoin: measured, beside the theory. Null: it did not happen. */
export function measure(timeline: Timeline, operations: readonly Operation[]): Measure[] {
  const { run } = timeline;
  const injected = timeline.of('fault-injected')[0];
  const faultAtMs = injected?.atMs;
  const failFlag = timeline
    .seen('topology', { fromMs: faultAtMs ?? Number.POSITIVE_INFINITY })
    .find(({ value }) => value.some(({ flags }) => flags.includes('fail')));
  const promotion =
    faultAtMs === undefined ? undefined : roleChanges(timeline).find(({ to, atMs }) => to === 'primary' && atMs > faultAtMs);
  const since = (atMs: number | undefined): number | null =>
    atMs === undefined || faultAtMs === undefined ? null : Math.round(atMs - faultAtMs);
  const settled = timeline.of('settled').at(-1);
  return [
    {
      name: 'detection',
      measuredMs: since(failFlag?.atMs),
      theoryMs: detectionBoundsMs(run),
      note: 'from the fault to the first node that lists fail',
    },
    {
      name: 'failover',
      measuredMs: since(promotion?.atMs),
      theoryMs: failoverBoundsMs(run),
      note: 'from the fault to the promotion of a replica',
    },
    ...writeGaps(timeline, operations),
    {
      name: 'rejoin',
      measuredMs: settled ? Math.round(settled.afterMs) : null,
      theoryMs: [0, recoveryBoundMs(run)],
      note: 'from the last heal to a healthy cluster',
    },
  ];
}

/** The longest time without an acknowledged write, for the slots that each primary had at the start. */
function writeGaps(timeline: Timeline, operations: readonly Operation[]): Measure[] {
  const { run } = timeline;
  const fromMs = timeline.phaseAtMs('steady') ?? 0;
  const toMs = timeline.of('workload-stopped')[0]?.atMs ?? operations.at(-1)?.doneAtMs ?? 0;
  const failover = failoverBoundsMs(run)[1];
  return run.nodes
    .filter(({ role }) => role === 'primary')
    .map(({ name, slots }) => {
      const times = operations
        .filter(
          (operation) =>
            operation.kind === 'write' &&
            operation.outcome === 'ok' &&
            slots.some(([first, last]) => first <= operation.slot && operation.slot <= last),
        )
        .map(({ doneAtMs }) => doneAtMs)
        .sort((a, b) => a - b);
      const points = [fromMs, ...times, Math.max(toMs, times.at(-1) ?? 0)];
      const gapMs = Math.max(...points.slice(1).map((atMs, index) => atMs - (points[index] ?? atMs)));
      return {
        name: `write gap of ${name}'s slots`,
        measuredMs: times.length > 0 ? Math.round(gapMs) : null,
        theoryMs: [0, failover] as const,
        note: `a cut-off primary writes on for up to ${isolatedWritesMs(run)} ms`,
      };
    });
}
