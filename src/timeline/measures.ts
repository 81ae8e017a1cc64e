import { roleChanges } from './claims.ts';
import { type Bounds, detectionBoundsMs, failoverBoundsMs, isolatedWritesMs, recoveryBoundMs } from './theory.ts';
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
  const injected = timeline.of('fault-injected')[0];
  const faultAtMs = injected?.atMs;
  const failFlag = timeline
    .seen('topology', { fromMs: faultAtMs ?? Number.POSITIVE_INFINITY })
    .find(({ value }) => value.some(({ flags }) => flags.includes('fail')));
  const failLogged = timeline
    .of('log-line')
    .filter(({ kind, loggedAtMs }) => kind === 'fail' && loggedAtMs > (faultAtMs ?? Number.POSITIVE_INFINITY));
  const failAtMs = [...(failFlag ? [failFlag.atMs] : []), ...failLogged.map(({ loggedAtMs }) => loggedAtMs)].toSorted((a, b) => a - b)[0];
  const promotion = roleChanges(timeline).find(
    ({ to, slots, atMs }) => to === 'primary' && slots.length > 0 && atMs > (faultAtMs ?? Number.POSITIVE_INFINITY),
  );
  const since = (atMs: number | undefined): number | null =>
    atMs === undefined || faultAtMs === undefined ? null : Math.round(atMs - faultAtMs);
  const settled = timeline.of('settled').at(-1);
  return [
    {
      name: 'detection',
      measuredMs: since(failAtMs),
      theoryMs: detectionBoundsMs(run),
      note: 'from the fault to the first node that logs or lists fail',
    },
    {
      name: 'failover',
      measuredMs: since(promotion?.atMs),
      theoryMs: failoverBoundsMs(run),
      note: 'from the fault to the promotion of a replica',
    },
    ...writeGaps(timeline, gaps),
    {
      name: 'rejoin',
      measuredMs: settled ? Math.round(settled.afterMs) : null,
      theoryMs: [0, recoveryBoundMs(run)],
      note: 'from the last heal to a healthy cluster',
    },
  ];
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
