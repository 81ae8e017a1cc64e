import type { Check, Excuse, Tally } from '../consistency.ts';
import { isPrimary, ownLine, slotCount } from '../timeline/claims.ts';
import type { Names, Row } from '../timeline/history.ts';
import type { NodeView } from '../timeline/observation.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { tally } from './tally.ts';
import { writes as isWrite } from './writes.ts';

/** Two nodes and a span in which both were the primary of the same slots. Times are milliseconds on the run's clock. */
export interface ClaimedOverlap {
  readonly a: string;
  readonly b: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The most slots that they shared at one time. */
  readonly slots: number;
}

/** Two nodes that acknowledged writes for the same slots in turn, and neither had been given the slots in between. */
export interface AcknowledgedOverlap {
  readonly a: string;
  readonly b: string;
  /** When the first write was sent that the older owner acknowledged although the later one had before, and when the last was acknowledged. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly slots: readonly number[];
  /** How many writes each acknowledged for these slots, from the first of the later owner to the last of the older one. */
  readonly acknowledgements: { readonly a: number; readonly b: number };
}

/** A write that a node acknowledged although a later owner of the slot had already acknowledged another. */
export interface DoubleAcknowledgement {
  readonly id: number;
  readonly key: string;
  readonly slot: number;
  readonly node: string;
  readonly sentAtMs: number;
  readonly acknowledgedAtMs: number;
  /** The later owner, and when it had acknowledged the first of its writes. */
  readonly rival: string;
  readonly rivalAtMs: number;
  readonly outside: boolean;
}

export interface SplitBrain {
  /** What clients saw. */
  readonly clients: {
    readonly overlaps: readonly AcknowledgedOverlap[];
    /** The length of all overlaps together; what two pairs did at the same time counts once. */
    readonly totalMs: number;
    readonly acknowledgements: Tally<DoubleAcknowledgement>;
    /** Acknowledgements of a node that had lost a slot to another, where its own answers do not tell whether it had got it back. */
    readonly undecided: number;
  };
  /** What the nodes said of themselves. */
  readonly nodes: { readonly overlaps: readonly ClaimedOverlap[]; readonly totalMs: number };
}

/** A node owned a slot by its own word in every answer from `fromMs` on, until it said something else at `toMs`. */
interface Reign {
  readonly node: string;
  readonly fromMs: number;
  toMs: number;
  /** A later owner, and its first acknowledgement of a write that was sent within the reign. */
  rival: string | null;
  rivalSentAtMs: number;
  rivalAtMs: number;
  /** Acknowledgements of the rival that are not counted yet: they are inside only when this node acknowledges once more. */
  waiting: number;
}

interface Answer {
  readonly atMs: number;
  readonly primary: boolean;
  readonly epoch: number;
}

/** Who was primary of what, by what each node said of itself, for splitBrainCheck. */
export interface Claims {
  /** By slot, in the order in which they began. */
  readonly reigns: readonly (readonly Reign[])[];
  readonly answers: ReadonlyMap<string, readonly Answer[]>;
  /** By node: every rise of the config epoch that any node ascribed to it as a primary. */
  readonly epochs: ReadonlyMap<string, readonly { readonly atMs: number; readonly epoch: number }[]>;
  /** By slot: when it was on its way from one node to another. */
  readonly moving: ReadonlyMap<number, readonly (readonly [fromMs: number, toMs: number])[]>;
  readonly overlaps: readonly ClaimedOverlap[];
}

/** A slot counts as on its way for this long before and after a node said so: probes ask every 50 to 100 ms. */
const movingAllowanceMs = 1000;
/** What a node says of itself is seen within this time, unless it is silent. */
const seenWithinMs = 1000;
/** Nodes are asked one after the other, every 50 to 100 ms: a shorter overlap of their words may be a mere handover. */
const probesApartMs = 200;
/** Overlaps of one pair that are closer together than this are one. */
const oneOverlapMs = 1000;

/** Reads from a timeline who was primary of what; it is as fine as the topology probe. */
export function claimsOf(timeline: Timeline): Claims {
  const reigns: Reign[][] = Array.from({ length: slotCount }, () => []);
  const answers = new Map<string, Answer[]>();
  const epochs = new Map<string, { atMs: number; epoch: number }[]>();
  const moving = new Map<number, [number, number][]>();
  const current = new Map<string, { readonly said: string; readonly open: NodeView['open']; readonly reigns: Map<number, Reign> }>();
  const names = new Map<string, string>();
  for (const { node, value } of timeline.seen('topology')) {
    const own = ownLine(value);
    if (own) names.set(own.id, node);
  }
  for (const { atMs, node, value } of timeline.seen('topology')) {
    for (const peer of value) {
      const name = names.get(peer.id);
      if (name === undefined || !isPrimary(peer)) continue;
      const rises = epochs.get(name) ?? [];
      if (peer.configEpoch > (rises.at(-1)?.epoch ?? -1)) epochs.set(name, [...rises, { atMs, epoch: peer.configEpoch }]);
    }
    const own = ownLine(value);
    if (!own) continue;
    const primary = isPrimary(own);
    const given = answers.get(node) ?? [];
    answers.set(node, given);
    given.push({ atMs, primary, epoch: own.configEpoch });
    const open = own.open;
    const said = JSON.stringify([primary, own.slots, open]);
    const last = current.get(node);
    for (const { slot } of new Set([...(last?.open ?? []), ...open])) {
      const spans = moving.get(slot) ?? [];
      const span = spans.at(-1);
      if (span && span[1] >= atMs - movingAllowanceMs) span[1] = atMs + movingAllowanceMs;
      else moving.set(slot, [...spans, [atMs - movingAllowanceMs, atMs + movingAllowanceMs]]);
    }
    if (last?.said === said) continue;
    const now = new Map<number, Reign>();
    for (const [first, end] of primary ? own.slots : []) {
      for (let slot = first; slot <= end; slot++) {
        let reign = last?.reigns.get(slot);
        if (!reign) {
          reign = { node, fromMs: atMs, toMs: Number.POSITIVE_INFINITY, rival: null, rivalSentAtMs: 0, rivalAtMs: 0, waiting: 0 };
          reigns[slot]?.push(reign);
        }
        now.set(slot, reign);
      }
    }
    for (const [slot, reign] of last?.reigns ?? []) if (!now.has(slot)) reign.toMs = atMs;
    current.set(node, { said, open, reigns: now });
  }
  return { reigns, answers, epochs, moving, overlaps: claimedOverlaps(timeline) };
}

/** Slots that two nodes both own by their own word; those that either of them is handing over are left out. */
function contested(a: NodeView, b: NodeView): number {
  let shared = 0;
  const open = [...a.open, ...b.open].map(({ slot }) => slot);
  for (const [first, last] of a.slots)
    for (const [other, end] of b.slots) {
      const from = Math.max(first, other);
      const to = Math.min(last, end);
      if (to >= from) shared += to - from + 1 - new Set(open.filter((slot) => from <= slot && slot <= to)).size;
    }
  return shared;
}

/** Spans in which two nodes both said that they are primary of a common slot and that the cluster's state is ok. */
function claimedOverlaps(timeline: Timeline): ClaimedOverlap[] {
  const views = new Map<string, { own: NodeView | null; ok: boolean }>();
  const running = new Map<string, { a: string; b: string; fromMs: number; slots: number }>();
  const found: ClaimedOverlap[] = [];
  let endMs = 0;
  for (const event of timeline.events) {
    const { atMs } = event;
    if (event.type === 'probe-failed' || event.type === 'container-exited') views.delete(event.node);
    else if (event.type === 'observed' && event.probe === 'topology') {
      const own = ownLine(event.value);
      views.set(event.node, { ok: views.get(event.node)?.ok ?? false, own: own && isPrimary(own) && own.slots.length > 0 ? own : null });
    } else if (event.type === 'observed' && event.probe === 'cluster-info')
      views.set(event.node, { own: views.get(event.node)?.own ?? null, ok: event.value.state === 'ok' });
    else continue;
    endMs = atMs;
    const { node } = event;
    const view = views.get(node);
    for (const [other, seen] of views) {
      if (other === node) continue;
      const [a, b] = [node, other].sort() as [string, string];
      const pair = `${a} ${b}`;
      const slots = view?.own && view.ok && seen.own && seen.ok ? contested(view.own, seen.own) : 0;
      const span = running.get(pair);
      if (slots > 0) running.set(pair, { a, b, fromMs: span?.fromMs ?? atMs, slots: Math.max(slots, span?.slots ?? 0) });
      else if (span) {
        running.delete(pair);
        found.push({ ...span, toMs: atMs });
      }
    }
  }
  for (const span of running.values()) found.push({ ...span, toMs: endMs });
  return found.filter(({ fromMs, toMs }) => toMs - fromMs > probesApartMs).sort((one, other) => one.fromMs - other.fromMs);
}

interface Overlap {
  readonly a: string;
  readonly b: string;
  fromMs: number;
  toMs: number;
  readonly slots: Set<number>;
  readonly by: { a: number; b: number };
}

/**
 * Writes that two nodes acknowledged for one slot while the older owner had not been given it again.
 *
 * Node A is accused when it acknowledged a write that was sent after B had acknowledged one, B's having been sent after A
 * was seen to own the slot, and A said nothing else about itself in between. An A that got the slot back has a higher
 * config epoch: a promotion (cluster.c clusterFailoverReplaceYourMaster) and the end of a migration
 * (clusterBumpConfigEpochWithoutConsensus) both raise it. So A's epoch must be the same before and after, or, where A is no
 * longer an owner when it is next seen, nobody may have ascribed a higher one to it. B must be the later owner: a replica
 * when it was last seen, or an owner since a later moment than A. A primary without the slot may have served it by ASK and
 * proves nothing. Slots on their way from one node to another are left out, with a second before and after.
 *
 * What a node acknowledged between its successor's promotion and the successor's first acknowledgement is not counted, nor
 * what was under way at that moment: overlaps are never overstated. Outside are those that the older owner acknowledged
 * when it was not excused.
 */
export function splitBrainCheck(claims: Claims, excuse: Excuse): Check<SplitBrain> {
  const lastNode = new Int32Array(slotCount).fill(-1);
  const lastAtMs = new Float64Array(slotCount);
  /** By slot and node: the last acknowledgement before another node's. */
  const leftAtMs = new Map<number, number>();
  const found = new Map<string, Overlap[]>();
  const acknowledgements = tally<DoubleAcknowledgement>();
  let undecided = 0;
  // What is found is noted in the reigns, and another check of the same claims begins with none.
  const reigns = claims.reigns.map((list) => list.map((reign) => ({ ...reign })));

  const isMoving = (slot: number, atMs: number): boolean =>
    (claims.moving.get(slot) ?? []).some(([fromMs, toMs]) => fromMs <= atMs && atMs <= toMs);

  /** Whether a node that acknowledges is the owner after this one: not the one before it, and not serving by ASK what is being handed over. */
  function succeeds(node: string, reign: Reign, slot: number, atMs: number): boolean {
    const own = (reigns[slot] ?? []).find((other) => other.node === node && within(other, atMs));
    if (own) return own.fromMs > reign.fromMs;
    const answers = claims.answers.get(node) ?? [];
    return answers[countUpTo(answers, atMs) - 1]?.primary === false;
  }

  /** Whether a node cannot have lost the slot and got it back between two moments of its reign. */
  function unbroken(reign: Reign, fromMs: number, toMs: number): boolean {
    const answers = claims.answers.get(reign.node) ?? [];
    const epoch = answers[countUpTo(answers, fromMs) - 1]?.epoch;
    const next = answers[countBefore(answers, toMs)];
    if (epoch === undefined) return false;
    if (next && next.atMs < reign.toMs) return next.epoch === epoch;
    const untilMs = next?.atMs ?? Number.POSITIVE_INFINITY;
    return (claims.epochs.get(reign.node) ?? []).every((rise) => rise.atMs > untilMs || rise.epoch <= epoch);
  }

  /** Whether a node acknowledged what was sent after its successor had acknowledged something. */
  function isDouble(reign: Reign, row: Row): boolean {
    if (reign.rival === null || !within(reign, row.sentAtMs) || reign.rivalAtMs >= row.sentAtMs || row.doneAtMs >= reign.toMs) return false;
    if (unbroken(reign, reign.rivalSentAtMs, row.doneAtMs)) return true;
    // It may have been given the slot again; whoever takes over from now on is its next rival.
    reign.rival = null;
    return false;
  }

  function accuse(reign: Reign, row: Row, names: Names): void {
    const { node, rivalAtMs } = reign;
    const rival = reign.rival as string;
    const slot = names.slot(row.key);
    const overlap = overlapOf(node, rival, slot, row.sentAtMs, row.doneAtMs);
    const [mine, theirs] = overlap.a === node ? (['a', 'b'] as const) : (['b', 'a'] as const);
    overlap.by[mine]++;
    overlap.by[theirs] += reign.waiting;
    reign.waiting = 0;
    const outside = !excuse(node, row.doneAtMs, 'acknowledged');
    acknowledgements.add(outside, () => ({
      id: row.id,
      key: names.key(row.key),
      slot,
      node,
      sentAtMs: row.sentAtMs,
      acknowledgedAtMs: row.doneAtMs,
      rival,
      rivalAtMs,
      outside,
    }));
  }

  function overlapOf(one: string, other: string, slot: number, fromMs: number, toMs: number): Overlap {
    const [a, b] = [one, other].sort() as [string, string];
    const list = found.get(`${a} ${b}`) ?? [];
    found.set(`${a} ${b}`, list);
    let overlap = list.at(-1);
    if (!overlap || fromMs > overlap.toMs + oneOverlapMs) {
      overlap = { a, b, fromMs, toMs, slots: new Set(), by: { a: 0, b: 0 } };
      list.push(overlap);
    }
    overlap.fromMs = Math.min(overlap.fromMs, fromMs);
    overlap.toMs = Math.max(overlap.toMs, toMs);
    overlap.slots.add(slot);
    return overlap;
  }

  return {
    see(row, names) {
      if (row.outcome !== 'ok' || row.node < 0 || row.final || !isWrite(row.verb)) return;
      const slot = names.slot(row.key);
      const list = reigns[slot];
      if (!list) return;
      const changed = lastNode[slot] !== row.node;
      // One node that owns the slot all the time, and acknowledges all of it, is what is seen nearly always.
      const only = list[0];
      if (!changed && list.length <= 1 && (!only || (only.rival === null && only.node === names.node(row.node)))) {
        lastAtMs[slot] = row.doneAtMs;
        return;
      }
      const node = names.node(row.node) as string;
      const move = claims.moving.size > 0 && (isMoving(slot, row.sentAtMs) || isMoving(slot, row.doneAtMs));
      let accused = false;
      let explained = move;
      const leftMs = leftAtMs.get(slot * 65_536 + row.node) ?? Number.NEGATIVE_INFINITY;
      for (const reign of list) {
        if (reign.node === node) {
          // Seen to begin after its last acknowledgement, or soon: it was given the slot again.
          explained ||= reign.fromMs > leftMs && reign.fromMs <= row.doneAtMs + seenWithinMs;
          if (!move && isDouble(reign, row)) {
            accused = true;
            accuse(reign, row, names);
          }
        } else if (!move && within(reign, row.sentAtMs)) {
          if (reign.rival === node) reign.waiting++;
          else if (reign.rival === null && succeeds(node, reign, slot, row.sentAtMs)) {
            reign.rival = node;
            reign.rivalSentAtMs = row.sentAtMs;
            reign.rivalAtMs = row.doneAtMs;
            reign.waiting = 1;
          }
        }
      }
      // Whoever acknowledges what is no longer its own takes nothing over.
      if (changed && !accused) {
        const last = lastNode[slot] as number;
        const isBack = leftAtMs.has(slot * 65_536 + row.node) && (lastAtMs[slot] as number) < row.sentAtMs;
        if (isBack && !explained) undecided++;
        if (last >= 0) leftAtMs.set(slot * 65_536 + last, lastAtMs[slot] as number);
        lastNode[slot] = row.node;
      }
      if (!accused) lastAtMs[slot] = row.doneAtMs;
    },
    finish() {
      const overlaps = [...found.values()]
        .flat()
        .sort((one, other) => one.fromMs - other.fromMs)
        .map(({ a, b, fromMs, toMs, slots, by }) => ({
          a,
          b,
          fromMs,
          toMs,
          slots: [...slots].sort((x, y) => x - y),
          acknowledgements: by,
        }));
      return {
        clients: { overlaps, totalMs: lengthOf(overlaps), acknowledgements: acknowledgements.result(), undecided },
        nodes: { overlaps: claims.overlaps, totalMs: lengthOf(claims.overlaps) },
      };
    },
  };
}

const within = ({ fromMs, toMs }: Reign, atMs: number): boolean => fromMs <= atMs && atMs < toMs;

/** How many of the answers came before a moment. */
function countBefore(answers: readonly Answer[], atMs: number): number {
  let low = 0;
  let high = answers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((answers[middle] as Answer).atMs < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many came no later than a moment. */
function countUpTo(answers: readonly Answer[], atMs: number): number {
  let count = countBefore(answers, atMs);
  while (answers[count]?.atMs === atMs) count++;
  return count;
}

/** How much time spans cover together; they are sorted by their beginning. */
function lengthOf(spans: readonly { readonly fromMs: number; readonly toMs: number }[]): number {
  let coveredToMs = Number.NEGATIVE_INFINITY;
  let totalMs = 0;
  for (const { fromMs, toMs } of spans) {
    totalMs += Math.max(0, toMs - Math.max(fromMs, coveredToMs));
    coveredToMs = Math.max(coveredToMs, toMs);
  }
  return totalMs;
}
