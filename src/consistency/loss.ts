import type { Check, Excuse, Tally } from '../consistency.ts';
import { type Names, nothing, type Row } from '../timeline/history.ts';
import { Bits, reach } from './column.ts';
import type { Difference } from './finals.ts';
import { type Losses, lossLedger } from './losses.ts';
import { tally } from './tally.ts';
import type { WriteIndex } from './writes.ts';

/** One write or one value of one key, and the node that shows it. */
export interface Sighting {
  readonly id: number;
  readonly key: string;
  readonly slot: number;
  readonly node: string | null;
  readonly atMs: number;
}

/**
 * What became of every write to registers, pairs, lists and sets, in the categories of Jepsen's set-full. Every
 * acknowledged write is in exactly one of present, overwritten, lost, undecided and unreadable. Lists and sets give the
 * exact number of lost writes. A register shows only those which came after the last value: what was lost and then
 * written over leaves no trace in it, so its number is a lower bound.
 */
export interface Loss {
  /** Keys that were written, or that it was tried with. */
  readonly keys: number;
  readonly acknowledged: number;
  readonly present: number;
  /** A later write, or one at the same time, may rightly have replaced it. */
  readonly overwritten: number;
  readonly lost: number;
  /** What was found may have been written before or after it. */
  readonly undecided: number;
  /** No primary gave a final answer for its key. */
  readonly unreadable: number;
  readonly unreadableKeys: { readonly total: number; readonly examples: readonly string[] };
  readonly losses: Losses;
  /** Writes of unknown outcome, and those of them that were there in the end. */
  readonly unknown: number;
  readonly recovered: number;
  readonly failed: number;
  /** There in the end although they had failed: the table of outcomes is wrong, or worse. */
  readonly contradicted: Tally<Sighting>;
  /** Elements that stand in a list, or came in one answer, more than once. */
  readonly duplicated: Tally<Sighting>;
  /** Elements of a list before which another should stand that was certainly appended earlier. */
  readonly reordered: Tally<Sighting>;
  /** There in the end, but absent from what a primary answered to a read that began after the acknowledgement. */
  readonly stale: Tally<Sighting>;
  /** Values in the final answers that nobody has written. */
  readonly foreign: Tally<Sighting>;
  /** Two primaries answer differently in the end. A write that either has is present. */
  readonly divergent: { readonly total: number; readonly examples: readonly Difference[] };
  /** A replica answers differently from its primary in the end, once a replica and key. */
  readonly replicasDiffer: { readonly total: number; readonly examples: readonly Difference[] };
}

const present = 0;
const overwritten = 1;
const undecided = 2;
const lost = 3;
const differencesKept = 100;
const none = -1;

/**
 * Loss accounting. A lost write is `outside` where its acknowledgement is not excused, a stale read where the read is not,
 * and what no window explains (contradicted, duplicated, reordered, foreign) always is. Reads answered by replicas are
 * left to readsCheck, registers that are read stale as well.
 */
export function lossCheck(writes: WriteIndex, excuse: Excuse): Check<Loss> {
  const { atRest } = writes;
  const ledger = lossLedger(excuse);
  const counts = [0, 0, 0, 0];
  let unreadable = 0;
  let unknown = 0;
  let recovered = 0;
  let failed = 0;
  const contradicted = tally<Sighting>();
  const duplicated = tally<Sighting>();
  const reordered = tally<Sighting>();
  const stale = tally<Sighting>();
  const foreign = tally<Sighting>();
  /** 1 for a key that this check looks after. */
  let ours = new Uint8Array(64);
  /** The acknowledged elements of a key as a chain through all ids, the last acknowledged first. */
  let previous: Int32Array | undefined;
  let lastOf = new Int32Array(64).fill(none);
  let lengthOf = new Uint32Array(64);
  const marked = new Bits(writes.ids);
  const knownStale = new Bits(0);

  const sighting =
    (row: Row, names: Names, id: number): (() => Sighting) =>
    () => ({ id, key: names.key(row.key), slot: names.slot(row.key), node: names.node(row.node), atMs: row.doneAtMs });

  /** What a value found says about an acknowledged write of the same key. */
  const standing = (value: number, row: Row): number => {
    if (value === row.id) return present;
    if (value === nothing) return lost;
    const outcome = value < 0 ? null : writes.outcome(value);
    if (outcome === null) return undecided;
    if (outcome === 'ok') return writes.doneAtMs(value) < row.sentAtMs ? lost : overwritten;
    return writes.sentAtMs(value) < row.sentAtMs ? undecided : overwritten;
  };

  const registerStanding = (row: Row): number => {
    const { key } = row;
    // Half of a pair is not the pair: what was lost of one key is lost.
    let found = Math.max(standing(atRest.first(key), row), standing(atRest.second(key), row));
    const others = atRest.others(key);
    if (others) for (const [a, b] of others) found = Math.min(found, Math.max(standing(a, row), standing(b, row)));
    return found;
  };

  const foundText = (row: Row): string => {
    if (row.verb === 'append' || row.verb === 'add') return 'absent';
    const text = (id: number): string => (id === nothing ? 'nothing' : `${id}`);
    const [a, b] = [atRest.first(row.key), atRest.second(row.key)];
    return a === b ? text(a) : `${text(a)} and ${text(b)}`;
  };

  const seeWrite = (row: Row, names: Names, element: boolean): void => {
    const { key, id } = row;
    if (ours[key] !== 1) {
      ours = reach(ours, key);
      ours[key] = 1;
    }
    if (row.outcome === 'failed') {
      failed++;
      if (writes.wasKept(id)) contradicted.add(true, sighting(row, names, id));
      return;
    }
    if (row.outcome === 'unknown') {
      unknown++;
      if (writes.wasKept(id)) recovered++;
      return;
    }
    if (element && writes.wholeReads > 0) link(key, id);
    if (!atRest.answered(key)) {
      unreadable++;
      ledger.acknowledged(row, names);
      return;
    }
    const found = element ? (writes.wasKept(id) ? present : lost) : registerStanding(row);
    counts[found] = (counts[found] as number) + 1;
    if (found === lost) ledger.lost(row, names, foundText(row));
    else ledger.acknowledged(row, names);
  };

  const link = (key: number, id: number): void => {
    previous ??= new Int32Array(writes.ids);
    lastOf = reach(lastOf, key, none);
    lengthOf = reach(lengthOf, key);
    previous[id] = lastOf[key] as number;
    lastOf[key] = id;
    lengthOf[key] = (lengthOf[key] as number) + 1;
  };

  /** Looks for elements that were acknowledged before the read began and are not in it. */
  const seeRead = (row: Row, names: Names): void => {
    if (!previous) return;
    // Acknowledgements come in order, so those during the read are the last ones.
    let id = lastOf[row.key] ?? none;
    let missing = lengthOf[row.key] ?? 0;
    for (; id !== none && writes.doneAtMs(id) >= row.sentAtMs; id = previous[id] as number) missing--;
    for (let index = 0; index < row.count; index++) {
      const value = row.valueAt(index);
      if (value < 0 || marked.has(value)) continue;
      marked.add(value);
      if (writes.wasDoneBefore(value, row.sentAtMs)) missing--;
    }
    for (; id !== none && missing > 0; id = previous[id] as number) {
      if (marked.has(id)) continue;
      missing--;
      if (!writes.wasKept(id) || knownStale.has(id)) continue;
      knownStale.add(id);
      stale.add(!excuse(names.node(row.node), row.sentAtMs, 'read'), sighting(row, names, id));
    }
    unmark(row);
  };

  const unmark = (row: Row): void => {
    for (let index = 0; index < row.count; index++) if (row.valueAt(index) >= 0) marked.delete(row.valueAt(index));
  };

  /** Looks at what a key holds in the end: order, doubles, and values of nobody. */
  const seeFinal = (row: Row, names: Names): void => {
    if (row.verb === 'get' || row.verb === 'get-pair') {
      const a = atRest.first(row.key);
      const b = atRest.second(row.key);
      if (isForeign(a)) foreign.add(true, sighting(row, names, a));
      if (a !== b && isForeign(b)) foreign.add(true, sighting(row, names, b));
      return;
    }
    const again = new Set<number>();
    for (let index = 0; index < row.count; index++) {
      const id = row.valueAt(index);
      if (isForeign(id)) foreign.add(true, sighting(row, names, id));
      if (id < 0) continue;
      if (marked.has(id)) {
        again.add(index);
        duplicated.add(true, sighting(row, names, id));
      }
      marked.add(id);
    }
    unmark(row);
    if (row.verb !== 'range') return;
    let earliestDoneMs = Number.POSITIVE_INFINITY;
    for (let index = row.count - 1; index >= 0; index--) {
      const id = row.valueAt(index);
      if (id < 0 || again.has(index) || writes.outcome(id) === null) continue;
      if (earliestDoneMs < writes.sentAtMs(id)) reordered.add(true, sighting(row, names, id));
      if (writes.outcome(id) === 'ok') earliestDoneMs = Math.min(earliestDoneMs, writes.doneAtMs(id));
    }
  };

  const isForeign = (id: number): boolean => id !== nothing && (id < 0 || writes.outcome(id) === null);

  return {
    see(row, names) {
      switch (row.verb) {
        case 'append':
        case 'add':
          seeWrite(row, names, true);
          break;
        case 'set':
        case 'set-pair':
          seeWrite(row, names, false);
          break;
        case 'range':
        case 'members':
          if (row.outcome !== 'ok' || row.replica || ours[row.key] !== 1) break;
          if (!row.final) seeRead(row, names);
          else if (row.node === atRest.primary(row.key)) seeFinal(row, names);
          break;
        case 'get':
        case 'get-pair':
          if (row.final && row.outcome === 'ok' && !row.replica && ours[row.key] === 1 && row.node === atRest.primary(row.key))
            seeFinal(row, names);
          break;
        default:
      }
    },
    finish(names) {
      let keys = 0;
      let unread = 0;
      const unreadExamples: string[] = [];
      for (let key = 0; key < ours.length; key++) {
        if (ours[key] !== 1) continue;
        keys++;
        if (atRest.answered(key)) continue;
        unread++;
        if (unreadExamples.length < differencesKept) unreadExamples.push(names.key(key));
      }
      const divergent = atRest.divergent(names);
      const replicasDiffer = atRest.replicasDiffer(names);
      return {
        keys,
        acknowledged: counts.reduce((sum, count) => sum + count, unreadable),
        present: counts[present] as number,
        overwritten: counts[overwritten] as number,
        lost: counts[lost] as number,
        undecided: counts[undecided] as number,
        unreadable,
        unreadableKeys: { total: unread, examples: unreadExamples },
        losses: ledger.finish(names),
        unknown,
        recovered,
        failed,
        contradicted: contradicted.result(),
        duplicated: duplicated.result(),
        reordered: reordered.result(),
        stale: stale.result(),
        foreign: foreign.result(),
        divergent: { total: divergent.length, examples: divergent.slice(0, differencesKept) },
        replicasDiffer: { total: replicasDiffer.length, examples: replicasDiffer.slice(0, differencesKept) },
      };
    },
  };
}
