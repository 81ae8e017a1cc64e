import type { Check, Excuse, Tally } from '../consistency.ts';
import { foreign, type Names, nothing, type Row, type Verb } from '../timeline/history.ts';
import { type Distribution, distribution } from './distribution.ts';
import { tally } from './tally.ts';
import { type WriteIndex, writes as isWrite } from './writes.ts';

/** A read, and what makes it an anomaly. Times are milliseconds on the run's clock. */
export interface ReadAnomaly {
  readonly id: number;
  readonly key: string;
  readonly slot: number;
  readonly client: number;
  readonly node: string | null;
  readonly replica: boolean;
  readonly sentAtMs: number;
  readonly doneAtMs: number;
  /** What was returned: a value or `nothing`; of a list or a set, how many elements. */
  readonly returned: number;
  readonly outside: boolean;
}

/** An acknowledged write that a read should have shown, or something newer. */
export interface Unseen {
  /** The write; of what a client had read from a list or a set, how many elements that was. */
  readonly expected: number;
  readonly expectedFrom: string | null;
  /** When that write was acknowledged to the client, or that earlier read was done. */
  readonly expectedAtMs: number;
}

export interface StaleRead extends ReadAnomaly, Unseen {
  /** For how long what was returned had certainly been replaced when the read was sent. */
  readonly staleMs: number;
  /** Acknowledged writes that certainly came between; of a list or a set, elements that were not there yet. */
  readonly versions: number;
  /** Writes too far back were forgotten: both figures may be higher. */
  readonly atLeast: boolean;
}

export interface SessionAnomaly extends ReadAnomaly, Unseen {}

export interface PhantomRead extends ReadAnomaly {
  readonly value: number;
  /** No client of ours wrote it, its write did not happen, or that write was sent only after the read was done. */
  readonly because: 'foreign' | 'failed' | 'not-yet-sent';
}

export interface Reads {
  /** Answered reads that were looked at, those at rest apart. */
  readonly reads: { readonly primaries: number; readonly replicas: number; readonly final: number };
  /** Whatever was read had certainly been replaced before the read was sent. */
  readonly stale: Tally<StaleRead>;
  readonly staleness: { readonly primaries: Distribution | null; readonly replicas: Distribution | null };
  /** A client saw something certainly older than what it had seen before: no monotonic reads. */
  readonly nonMonotonic: Tally<SessionAnomaly>;
  /** A client did not see what it had written itself, nor anything that could be newer: no read-your-writes. */
  readonly ownWriteUnseen: Tally<SessionAnomaly>;
  readonly phantoms: Tally<PhantomRead>;
  /** Reads of lists and sets that lacked only elements that no final read returned: lost, not late. The loss check counts these. */
  readonly lackingLost: number;
  /** Reads that cannot be told: the value's write has no known end, or what is needed was forgotten or is missing from the file. */
  readonly undecided: number;
  /** How often what a client had seen of a key was forgotten: session anomalies may be more. */
  readonly forgotten: number;
}

type Kind = 'register' | 'pair' | 'expiring' | 'growing';
const kinds: Partial<Record<Verb, Kind>> = {
  get: 'register',
  'get-pair': 'pair',
  'get-expiring': 'expiring',
  range: 'growing',
  members: 'growing',
};
/** Writes that replace what a key held, or add to it for good. What a queue holds goes away again, a counter has no versions. */
const lasting: ReadonlySet<Verb> = new Set(['set', 'append', 'add', 'set-pair', 'set-expiring']);

/** Acknowledged writes kept: of one key, and of all keys together (8 bytes each). */
export const keptOfKey = 1 << 16;
const keptInAll = 1 << 21;
/** How many of the last elements of a list or a set are looked for in one read. */
const elementsSought = 4096;

/**
 * Reads that no order of the operations could explain, given what was acknowledged before them.
 *
 * Stale: the value's write was certainly over before another acknowledged write began, which was acknowledged before
 * the read was sent. Staleness is counted from the first such acknowledgement, so it is never overstated.
 *
 * The engine promises none of this on a replica: it is sent commands without anybody waiting for it (replication.c
 * replicationFeedSlaves, in Valkey replicationFeedReplicas), so its anomalies are counted and never 'outside'. Those
 * of a primary are excused when an excused node answered, or had acknowledged each of the writes that are not seen: they were
 * lost there. Nothing excuses a value that nobody wrote.
 *
 * `whole` says that nothing is missing from the history; otherwise values whose writes are not in it are undecided.
 *
 * Memory is bounded. What falls out (see the constants) can hide an anomaly or understate one, never make one up.
 */
export function readsCheck(writes: WriteIndex, excuse: Excuse, { whole = true }: { readonly whole?: boolean } = {}): Check<Reads> {
  const budget = { left: keptInAll };
  const acknowledged: (Acknowledged | undefined)[] = [];
  const sessions = new Sessions();
  const elements = new Elements();
  const count = { primaries: 0, replicas: 0, final: 0 };
  const spread = { primaries: distribution(), replicas: distribution() };
  const stale = tally<StaleRead>();
  const nonMonotonic = tally<SessionAnomaly>();
  const ownWriteUnseen = tally<SessionAnomaly>();
  const phantoms = tally<PhantomRead>();
  let lackingLost = 0;
  let undecided = 0;

  const readExcused = (row: Row, names: Names): boolean =>
    row.replica || [row.sentAtMs, row.doneAtMs].some((atMs) => excuse(names.node(row.node), atMs, 'read'));
  const writeExcused = (id: number, node: number, names: Names): boolean => excuse(names.node(node), writes.doneAtMs(id), 'acknowledged');
  const anomaly = (row: Row, names: Names, returned: number, outside: boolean): ReadAnomaly => ({
    id: row.id,
    key: names.key(row.key),
    slot: names.slot(row.key),
    client: row.client,
    node: names.node(row.node),
    replica: row.replica,
    sentAtMs: row.sentAtMs,
    doneAtMs: row.doneAtMs,
    returned,
    outside,
  });
  const session = (
    row: Row,
    names: Names,
    returned: number,
    outside: boolean,
    expected: number,
    from: number,
    expectedAtMs: number,
  ): SessionAnomaly => ({ ...anomaly(row, names, returned, outside), expected, expectedFrom: names.node(from), expectedAtMs });

  function seeWrite(row: Row): void {
    if (row.outcome !== 'ok' || !lasting.has(row.verb)) return;
    (acknowledged[row.key] ??= new Acknowledged(writes, budget)).add(row.id, row.node);
    const at = sessions.of(row.client, row.key);
    const own = sessions.own[at] as number;
    if (own >= 0 && writes.sentAtMs(own) > row.sentAtMs) return;
    sessions.own[at] = row.id;
    sessions.ownNode[at] = row.node;
  }

  /** Whether a value that was read cannot have been there; null where the file does not tell. */
  function phantom(value: number, row: Row): PhantomRead['because'] | null | false {
    if (value === nothing) return false;
    if (value === foreign) return 'foreign';
    const outcome = writes.outcome(value);
    if (outcome === null) return whole ? 'foreign' : null;
    if (outcome === 'failed') return 'failed';
    return writes.sentAtMs(value) > row.doneAtMs ? 'not-yet-sent' : false;
  }

  /** Holds where every value that was read can have been there. */
  function plausible(row: Row, names: Names, kind: Kind): boolean {
    const several = kind === 'growing' || kind === 'pair';
    for (let index = 0; index < (several ? row.count : 1); index++) {
      const value = several ? row.valueAt(index) : row.value;
      const because = phantom(value, row);
      if (because === false) continue;
      if (because === null) undecided++;
      else phantoms.add(true, () => ({ ...anomaly(row, names, several ? row.count : value, true), value, because }));
      return false;
    }
    return true;
  }

  /** A read of one value: `older` is what counts against it, `newer` what the client has now seen (they differ for a torn pair). */
  function seeValue(row: Row, names: Names, older: number, newer: number): void {
    const known = acknowledged[row.key];
    const at = sessions.of(row.client, row.key);
    if (older !== nothing && writes.outcome(older) !== 'ok') {
      if (known?.isAnyAfter(older, row.sentAtMs)) undecided++;
    } else {
      const overMs = older === nothing ? Number.NEGATIVE_INFINITY : writes.doneAtMs(older);
      if (known) seeReplaced(row, names, known, older, overMs);
      const own = sessions.own[at] as number;
      if (own >= 0 && writes.doneAtMs(own) < row.sentAtMs && overMs < writes.sentAtMs(own)) {
        const node = sessions.ownNode[at] as number;
        const outside = !readExcused(row, names) && !writeExcused(own, node, names);
        ownWriteUnseen.add(outside, () => session(row, names, older, outside, own, node, writes.doneAtMs(own)));
      }
      const seen = sessions.seen[at] as number;
      const seenAtMs = sessions.seenAtMs[at] as number;
      if (seen >= 0 && seenAtMs < row.sentAtMs && overMs < writes.sentAtMs(seen)) {
        const from = sessions.seenNode[at] as number;
        const author = known?.nodeOf(seen);
        const outside =
          !readExcused(row, names) &&
          !excuse(names.node(from), seenAtMs, 'read') &&
          // What was never acknowledged may go; what was acknowledged by nobody knows whom cannot be held against anybody.
          author !== undefined &&
          !writeExcused(seen, author, names);
        nonMonotonic.add(outside, () => session(row, names, older, outside, seen, from, seenAtMs));
      }
    }
    const seen = sessions.seen[at] as number;
    if (newer >= 0 && (seen < 0 || writes.sentAtMs(newer) > writes.sentAtMs(seen))) sessions.see(at, newer, row);
  }

  function seeReplaced(row: Row, names: Names, known: Acknowledged, value: number, overMs: number): void {
    const replaces = (index: number): boolean => writes.sentAtMs(known.id(index)) > overMs;
    const end = known.before(row.sentAtMs);
    let first = known.upTo(overMs);
    while (first < end && !replaces(first)) first++;
    const forgotten = known.forgottenUpToMs > overMs;
    // Of a key's forgotten past only its first write is known, which replaced nothing but `nothing`.
    const ever = value === nothing && known.firstAtMs < row.sentAtMs;
    if (first >= end && !ever) {
      if (forgotten) undecided++;
      return;
    }
    let versions = end - first;
    // Only writes that were under way when the value's own ended can have begun before that.
    const underWayMs = overMs + writes.longestMs;
    for (let index = first; index < end && writes.doneAtMs(known.id(index)) <= underWayMs; index++) if (!replaces(index)) versions--;
    if (ever) versions = end > 0 ? versions + known.forgotten : 1;
    let last = end - 1;
    while (last > first && !replaces(last)) last--;
    let excused = readExcused(row, names);
    if (!excused) {
      let index = last;
      while (index >= first && (!replaces(index) || writeExcused(known.id(index), known.node(index), names))) index--;
      excused = index < first;
    }
    const staleMs = row.sentAtMs - (ever ? known.firstAtMs : writes.doneAtMs(known.id(first)));
    spread[row.replica ? 'replicas' : 'primaries'].record(staleMs);
    stale.add(!excused, () => ({
      ...anomaly(row, names, value, !excused),
      expected: end > 0 ? known.id(last) : known.firstId,
      expectedFrom: names.node(end > 0 ? known.node(last) : known.firstNode),
      expectedAtMs: end > 0 ? writes.doneAtMs(known.id(last)) : known.firstAtMs,
      staleMs,
      versions,
      atLeast: forgotten && !(ever && end > 0),
    }));
  }

  /** A read of a list or a set, to which elements are only ever added. */
  function seeElements(row: Row, names: Names): void {
    const at = sessions.of(row.client, row.key);
    elements.take(row);
    const known = acknowledged[row.key];
    const excused = readExcused(row, names);
    let missing = 0;
    let lost = 0;
    let earliest = -1;
    let latest = -1;
    let lateOutside = false;
    let lostOutside = false;
    if (known) {
      const end = known.before(row.sentAtMs);
      for (let index = end - 1; index >= 0 && index >= end - elementsSought; index--) {
        const id = known.id(index);
        if (elements.has(id)) continue;
        if (writes.atRest.answered(row.key) && !writes.inTheEnd(id)) {
          lost++;
          lostOutside ||= !excused && !writeExcused(id, known.node(index), names);
          continue;
        }
        missing++;
        earliest = index;
        if (latest < 0) latest = index;
        lateOutside ||= !excused && !writeExcused(id, known.node(index), names);
      }
      if (missing > 0) {
        const staleMs = row.sentAtMs - writes.doneAtMs(known.id(earliest));
        spread[row.replica ? 'replicas' : 'primaries'].record(staleMs);
        stale.add(lateOutside, () => ({
          ...anomaly(row, names, row.count, lateOutside),
          expected: known.id(latest),
          expectedFrom: names.node(known.node(latest)),
          expectedAtMs: writes.doneAtMs(known.id(latest)),
          staleMs,
          versions: missing,
          atLeast: known.forgotten > 0 || end > elementsSought,
        }));
      } else if (lost > 0) lackingLost++;
    }
    const own = sessions.own[at] as number;
    if (own >= 0 && writes.doneAtMs(own) < row.sentAtMs && !elements.has(own)) {
      const node = sessions.ownNode[at] as number;
      const outside = !excused && !writeExcused(own, node, names);
      ownWriteUnseen.add(outside, () => session(row, names, row.count, outside, own, node, writes.doneAtMs(own)));
    }
    const seen = sessions.seen[at] as number;
    const seenAtMs = sessions.seenAtMs[at] as number;
    if (seen > row.count && seenAtMs < row.sentAtMs) {
      const from = sessions.seenNode[at] as number;
      // Only an acknowledged element can be missed: those that were never acknowledged may go.
      const outside = (lateOutside || lostOutside) && !excuse(names.node(from), seenAtMs, 'read');
      nonMonotonic.add(outside, () => session(row, names, row.count, outside, seen, from, seenAtMs));
    }
    if (row.count > Math.max(seen, 0)) sessions.see(at, row.count, row);
  }

  /** Of two values the one that counts against a read: nothing, then what was over first, then what has no known end. */
  function olderOf(a: number, b: number): number {
    if (a === nothing || b === nothing) return nothing;
    if (writes.outcome(a) !== 'ok') return b;
    if (writes.outcome(b) !== 'ok') return a;
    return writes.doneAtMs(a) <= writes.doneAtMs(b) ? a : b;
  }
  const newerOf = (a: number, b: number): number => (a === nothing ? b : b === nothing || writes.sentAtMs(a) >= writes.sentAtMs(b) ? a : b);

  return {
    see(row, names) {
      if (isWrite(row.verb)) return seeWrite(row);
      const kind = kinds[row.verb];
      if (!kind || row.outcome !== 'ok') return;
      count[row.final ? 'final' : row.replica ? 'replicas' : 'primaries']++;
      // What is missing at rest is lost and not stale: see loss.ts.
      if (!plausible(row, names, kind) || row.final) return;
      if (kind === 'growing') seeElements(row, names);
      else if (kind === 'pair') {
        const [a, b] = row.count === 2 ? [row.valueAt(0), row.valueAt(1)] : [nothing, nothing];
        if (row.count === 2) seeValue(row, names, olderOf(a, b), newerOf(a, b));
      } else if (kind === 'register' || row.value !== nothing) seeValue(row, names, row.value, row.value);
    },
    finish: () => ({
      reads: { ...count },
      stale: stale.result(),
      staleness: { primaries: spread.primaries.result(), replicas: spread.replicas.result() },
      nonMonotonic: nonMonotonic.result(),
      ownWriteUnseen: ownWriteUnseen.result(),
      phantoms: phantoms.result(),
      lackingLost,
      undecided,
      forgotten: sessions.forgotten,
    }),
  };
}

/** The last acknowledged writes of one key with the nodes that acknowledged them, in the order of the acknowledgements. */
class Acknowledged {
  readonly #writes: WriteIndex;
  readonly #budget: { left: number };
  #entries = new Int32Array(8);
  #start = 0;
  #length = 0;
  /** How many fell out, and when the last of these was acknowledged. */
  forgotten = 0;
  forgottenUpToMs = Number.NEGATIVE_INFINITY;
  firstId = -1;
  firstNode = -1;
  firstAtMs = Number.POSITIVE_INFINITY;

  constructor(writes: WriteIndex, budget: { left: number }) {
    this.#writes = writes;
    this.#budget = budget;
  }

  add(id: number, node: number): void {
    const doneAtMs = this.#writes.doneAtMs(id);
    if (this.firstId < 0) [this.firstId, this.firstNode, this.firstAtMs] = [id, node, doneAtMs];
    // All searching needs the order; a row that breaks it is forgotten, which hides things and makes nothing up.
    else if (this.#length > 0 && this.#writes.doneAtMs(this.id(this.#length - 1)) > doneAtMs) return;
    const capacity = this.#entries.length / 2;
    if (this.#length === capacity && (capacity >= keptOfKey || this.#budget.left < capacity)) {
      this.forgotten++;
      this.forgottenUpToMs = this.#writes.doneAtMs(this.id(0));
      this.#start = (this.#start + 1) % capacity;
      this.#length--;
    } else if (this.#length === capacity) {
      const grown = new Int32Array(4 * capacity);
      grown.set(this.#entries.subarray(2 * this.#start));
      grown.set(this.#entries.subarray(0, 2 * this.#start), 2 * (capacity - this.#start));
      this.#entries = grown;
      this.#start = 0;
      this.#budget.left -= capacity;
    }
    const at = this.#at(this.#length++);
    this.#entries[at] = id;
    this.#entries[at + 1] = node;
  }

  // The capacity is a power of two.
  #at(index: number): number {
    return 2 * ((this.#start + index) & (this.#entries.length / 2 - 1));
  }

  id(index: number): number {
    return this.#entries[this.#at(index)] as number;
  }

  node(index: number): number {
    return this.#entries[this.#at(index) + 1] as number;
  }

  /** How many were acknowledged before a moment; most reads ask for one close to the end, so the search begins there. */
  before(atMs: number): number {
    return this.#count(atMs, false);
  }

  upTo(atMs: number): number {
    return this.#count(atMs, true);
  }

  #count(atMs: number, included: boolean): number {
    const isIn = (index: number): boolean => {
      const doneAtMs = this.#writes.doneAtMs(this.id(index));
      return doneAtMs < atMs || (included && doneAtMs === atMs);
    };
    let high = this.#length;
    let step = 1;
    while (high >= step && !isIn(high - step)) {
      high -= step;
      step *= 2;
    }
    let low = Math.max(0, high - step);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isIn(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The node that acknowledged a write; undefined where that is not known (any more). */
  nodeOf(id: number): number | undefined {
    const doneAtMs = this.#writes.doneAtMs(id);
    for (let index = this.before(doneAtMs); index < this.#length; index++) {
      if (this.id(index) === id) return this.node(index);
      if (this.#writes.doneAtMs(this.id(index)) > doneAtMs) break;
    }
    return undefined;
  }

  /** Whether the last write that was acknowledged before a moment was sent after that one. */
  isAnyAfter(id: number, atMs: number): boolean {
    const end = this.before(atMs);
    return end > 0 && this.#writes.sentAtMs(this.id(end - 1)) > this.#writes.sentAtMs(id);
  }
}

const sessionSlots = 1 << 18;
const probes = 8;

/** What each client has last seen and written of each key, in a table of fixed size: an older entry gives way. */
class Sessions {
  /** Client and key of each entry, by a number from 1 on: untouched memory is zero and costs nothing. */
  readonly #pairs = new Float64Array(sessionSlots);
  /** The newest value that was seen, or the most elements; -1 is nothing yet. */
  readonly seen = new Int32Array(sessionSlots);
  readonly seenAtMs = new Float64Array(sessionSlots);
  readonly seenNode = new Int32Array(sessionSlots);
  readonly own = new Int32Array(sessionSlots);
  readonly ownNode = new Int32Array(sessionSlots);
  forgotten = 0;

  /** Where a client's session with a key stands. */
  of(client: number, key: number): number {
    const pair = client * 2 ** 32 + key + 1;
    const home = (Math.imul(key, 0x9e3779b1) ^ Math.imul(client + 1, 0x85ebca6b)) >>> 14;
    for (let probe = 0; probe < probes; probe++) {
      const at = (home + probe) & (sessionSlots - 1);
      if (this.#pairs[at] === pair) return at;
      if (this.#pairs[at] === 0) return this.#begin(at, pair);
    }
    this.forgotten++;
    return this.#begin(home, pair);
  }

  #begin(at: number, pair: number): number {
    this.#pairs[at] = pair;
    this.seen[at] = -1;
    this.own[at] = -1;
    return at;
  }

  see(at: number, value: number, row: Row): void {
    this.seen[at] = value;
    this.seenAtMs[at] = row.doneAtMs;
    this.seenNode[at] = row.node;
  }
}

/** The elements of one read, to look them up; used again for each. */
class Elements {
  #table = new Int32Array(64).fill(-1);
  #mask = 63;

  take(row: Row): void {
    let size = 64;
    while (size < 2 * row.count) size *= 2;
    if (size > this.#table.length) this.#table = new Int32Array(size);
    // A small read after a large one uses and clears only what it needs.
    this.#mask = size - 1;
    this.#table.fill(-1, 0, size);
    for (let index = 0; index < row.count; index++) {
      const value = row.valueAt(index);
      let at = Math.imul(value, 0x9e3779b1) & this.#mask;
      while (this.#table[at] !== -1 && this.#table[at] !== value) at = (at + 1) & this.#mask;
      this.#table[at] = value;
    }
  }

  has(value: number): boolean {
    let at = Math.imul(value, 0x9e3779b1) & this.#mask;
    while (this.#table[at] !== -1) {
      if (this.#table[at] === value) return true;
      at = (at + 1) & this.#mask;
    }
    return false;
  }
}
