import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { isPrimary, keptSlots, ownLine, rangesText, roleChanges, sharedRanges } from '../timeline/claims.ts';
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

/** How long a pair both claimed slots, and for how long the engine explains that. */
interface Lasted {
  readonly ms: number;
  readonly boundMs: number;
  readonly who: string;
  readonly slots: string;
  readonly witnesses: readonly number[];
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
 * heard, and may have given the slot away: that time does not count. An overlap is explained where one of the two was cut off or
 * frozen, or changed its role; of others it is only what measuring adds. The guarantee is as fine as the probes (50 to 100 ms).
 */
export default {
  name: 'one-primary-per-shard',
  claim: 'Two nodes never accept writes for the same slot for longer than the engine can explain.',
  check(timeline) {
    const exposures = timeline.of('fault-injecting').flatMap(({ exposes }) => exposes);
    const excused = new Set([
      ...exposures.filter(({ how }) => how === 'isolated' || how === 'frozen').map(({ node }) => node),
      ...roleChanges(timeline).map(({ node }) => node),
    ]);
    const boundMs = (...pair: readonly string[]): number =>
      allowanceMs + (pair.some((node) => excused.has(node)) ? overlapBoundMs(timeline.run, exposures) : 0);
    const claims = new Map<string, Claim>();
    let since: Pair[] = [];
    let longest: Lasted | undefined;
    let worst: Lasted | undefined;
    /** An unchanged answer is not recorded again before a heartbeat has passed. */
    const heardUntilMs = ({ slotsAtMs, okAtMs }: Claim): number => Math.min(slotsAtMs, okAtMs) + heartbeatMs + allowedLateMs;
    /** A node says something else, or nothing any more: the overlaps so far are measured, and those of now are found. */
    const turn = ({ node, atMs, seq }: { readonly node: string; readonly atMs: number; readonly seq: number }, claim?: Claim): void => {
      for (const { a, b, overlaps } of since) {
        const heardMs = Math.min(atMs, ...[a, b].map((each) => heardUntilMs(claims.get(each) ?? never)));
        for (const start of overlaps) {
          const ms = heardMs - start.atMs;
          const tooLong = ms > boundMs(a, b);
          if (ms <= (longest?.ms ?? 0) && !(tooLong && ms > (worst?.ms ?? 0))) continue;
          const slots = overlaps.filter((overlap) => overlap.atMs === start.atMs).map(({ first, last }) => [first, last] as const);
          const lasted = { ms, boundMs: boundMs(a, b), who: `${a} and ${b}`, slots: rangesText(slots), witnesses: [start.seq, seq] };
          if (ms > (longest?.ms ?? 0)) longest = lasted;
          if (tooLong && ms > (worst?.ms ?? 0)) worst = lasted;
        }
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
        `in the end ${since.map(({ a, b, overlaps }) => `${a} and ${b} both claim slots ${rangesText(overlaps.map(({ first, last }) => [first, last]))}`).join(', ')}`,
        since.flatMap(({ overlaps }) => overlaps.slice(0, 1).map(({ seq }) => seq)),
      );
    if (worst)
      return violated(
        `${worst.who} both claimed slots ${worst.slots} and said ok for ${formatMs(worst.ms)}, the bound is ${formatMs(worst.boundMs)}`,
        worst.witnesses,
      );
    return heldByAll(
      'topology or CLUSTER INFO',
      [timeline.final('topology'), timeline.final('cluster-info')],
      longest === undefined
        ? 'no two nodes were seen to claim the same slot while they said ok'
        : `${longest.who} overlapped for ${formatMs(longest.ms)} in slots ${longest.slots}, within ${formatMs(longest.boundMs)}`,
    );
  },
} satisfies Invariant;
