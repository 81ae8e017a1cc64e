import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { isPrimary, keptSlots, ownLine, sharedRanges, silent } from '../timeline/claims.ts';
import { heartbeatMs, type NodeView } from '../timeline/observation.ts';
import { allowanceMs, overlapBoundMs } from '../timeline/theory.ts';

/** What a node said last of its slots and of its state. */
interface Claim {
  readonly slots: NodeView['slots'];
  readonly slotsAtMs: number;
  readonly ok: boolean;
  readonly okAtMs: number;
}

const never: Claim = { slots: [], slotsAtMs: 0, ok: false, okAtMs: 0 };
/** By how much a heartbeat is late at the most: the period of the slower of the two probes. */
const allowedLateMs = 100;

/** Slots that a pair has both claimed since a moment. */
interface Overlap {
  readonly first: number;
  readonly last: number;
  readonly atMs: number;
  readonly seq: number;
}

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly overlaps: readonly Overlap[];
}

/** The overlaps of these ranges: what was one before has lasted since then, the rest since now. */
function overlapsOf(
  ranges: NodeView['slots'],
  before: readonly Overlap[],
  now: { readonly atMs: number; readonly seq: number },
): Overlap[] {
  return ranges.flatMap(([first, last]) => {
    const overlaps: Overlap[] = [];
    let next = first;
    const kept = before.flatMap((old) =>
      sharedRanges([[first, last]], [[old.first, old.last]]).map(([from, to]) => ({ ...old, first: from, last: to })),
    );
    for (const old of kept.toSorted((a, b) => a.first - b.first)) {
      if (old.first > next) overlaps.push({ first: next, last: old.first - 1, ...now });
      overlaps.push(old);
      next = old.last + 1;
    }
    if (next <= last) overlaps.push({ first: next, last, ...now });
    return overlaps;
  });
}

/**
 * Two primaries of one slot cannot be excluded for ever: the old one hears last. A claim counts while its node would
 * accept writes, that is, says state ok itself and has not begun to give the slot away. Each slot counts by itself: while many
 * move one by one, there is always one that both claim. A node of which nothing was recorded for longer than a heartbeat was not
 * heard, and may have given the slot away: that time does not count. The guarantee is as fine as the probes (50 to 100 ms).
 */
export default {
  name: 'one-primary-per-shard',
  claim: 'Two nodes never accept writes for the same slot for longer than the engine can explain.',
  check(timeline) {
    const boundMs =
      overlapBoundMs(
        timeline.run,
        timeline.of('fault-injecting').flatMap(({ exposes }) => exposes),
      ) + allowanceMs;
    const claims = new Map<string, Claim>();
    let since: Pair[] = [];
    let longest = { ms: 0, pair: '', witnesses: [] as number[] };
    /** An unchanged answer is not recorded again before a heartbeat has passed. */
    const heardUntilMs = ({ slotsAtMs, okAtMs }: Claim): number => Math.min(slotsAtMs, okAtMs) + heartbeatMs + allowedLateMs;
    /** A node says something else, or nothing any more: the overlaps so far are measured, and those of now are found. */
    const turn = ({ node, atMs, seq }: { readonly node: string; readonly atMs: number; readonly seq: number }, claim?: Claim): void => {
      for (const { a, b, overlaps } of since) {
        const heardMs = Math.min(atMs, ...[a, b].map((each) => heardUntilMs(claims.get(each) ?? never)));
        for (const start of overlaps)
          if (heardMs - start.atMs > longest.ms) longest = { ms: heardMs - start.atMs, pair: `${a} and ${b}`, witnesses: [start.seq, seq] };
      }
      if (claim) claims.set(node, claim);
      else claims.delete(node);
      const active = [...claims].filter(([, each]) => each.ok && each.slots.length > 0);
      const before = since;
      since = active
        .flatMap(([a, { slots }], index) =>
          active.slice(index + 1).map(([b, other]) => {
            const known = before.find((pair) => pair.a === a && pair.b === b)?.overlaps ?? [];
            return { a, b, overlaps: overlapsOf(sharedRanges(slots, other.slots), known, { atMs, seq }) };
          }),
        )
        .filter(({ overlaps }) => overlaps.length > 0);
    };
    for (const event of timeline.events) {
      if (event.type === 'probe-failed' || event.type === 'container-exited') turn(event);
      else if (event.type === 'observed') {
        const claim = claims.get(event.node) ?? never;
        if (event.probe === 'topology') {
          const own = ownLine(event.value);
          turn(event, { ...claim, slots: own && isPrimary(own) ? keptSlots(own) : [], slotsAtMs: event.atMs });
        } else if (event.probe === 'cluster-info') turn(event, { ...claim, ok: event.value.state === 'ok', okAtMs: event.atMs });
      }
    }
    if (since.length > 0 && timeline.phaseAtMs('verify') !== undefined)
      return violated(
        `in the end ${since.map(({ a, b }) => `${a} and ${b}`).join(', ')} still claim the same slots`,
        since.flatMap(({ overlaps }) => overlaps.slice(0, 1).map(({ seq }) => seq)),
      );
    if (longest.ms > boundMs)
      return violated(
        `${longest.pair} accepted writes for the same slots for ${formatMs(longest.ms)}, the bound is ${formatMs(boundMs)}`,
        longest.witnesses,
      );
    const quiet = silent(timeline.final('topology'), timeline.final('cluster-info'));
    if (quiet.length > 0) return unknown(`no topology or CLUSTER INFO of ${quiet.join(', ')} in the verify phase`);
    return held(
      longest.ms === 0
        ? 'no two nodes were seen to accept writes for the same slot'
        : `${longest.pair} overlapped for ${formatMs(longest.ms)}, within ${formatMs(boundMs)}`,
    );
  },
} satisfies Invariant;
