import type { Check, Excuse, Tally } from '../consistency.ts';
import { type Names, nothing, type Row } from '../timeline/history.ts';
import { reach } from './column.ts';
import { type Losses, lossLedger } from './losses.ts';
import { tally } from './tally.ts';
import type { WriteIndex } from './writes.ts';

/** An acknowledged increment and the sum that its reply told. */
export interface ToldSum {
  readonly id: number;
  readonly sum: number;
  readonly node: string | null;
  readonly sentAtMs: number;
  readonly acknowledgedAtMs: number;
}

/** Two increments that cannot both count. */
export interface Contest {
  readonly key: string;
  readonly slot: number;
  readonly first: ToldSum;
  readonly second: ToldSum;
}

/** A counter that shows more than was counted. */
export interface Excess {
  readonly key: string;
  readonly slot: number;
  readonly count: number;
  /** The most that it may show. */
  readonly atMost: number;
}

/**
 * Increments, each of which must count once. `lost` is the least number that explains what was told: the increments whose
 * sum the final count does not reach (`losses`: which ones is certain), one for every further increment to which a sum was
 * told that another had been told already (`contested`: which of both is lost, the sums do not say), and one for a key
 * whose sums only went back. It is never less than what the final count is short of.
 */
export interface Totals {
  readonly keys: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly lost: number;
  /** Those of them of which no candidate is excused. */
  readonly outside: number;
  readonly losses: Losses;
  readonly contested: Tally<Contest>;
  /** Sums that are not above one which was told before they were asked for: one of both increments is lost. */
  readonly wentBack: Tally<Contest>;
  /** Increments of unknown outcome that are in the final counts, at least. */
  readonly recovered: number;
  /** By how much final counts exceed everything that may have been counted: counted twice, or counted though it failed. */
  readonly excess: { readonly total: number; readonly examples: readonly Excess[] };
  /** Acknowledged increments of keys without a final count. */
  readonly unreadable: number;
  readonly unreadableKeys: { readonly total: number; readonly examples: readonly string[] };
}

interface Counter {
  acknowledged: number;
  unknown: number;
  /** Whose sum is beyond the final count. */
  beyond: number;
  contested: number;
  contestedOutside: number;
  wentBack: boolean;
  wentBackOutside: boolean;
  highest: number;
  /** By sum: the last increment to which it was told, plus one, and its node, plus two. */
  ids: Int32Array;
  nodes: Uint16Array;
}

const examplesKept = 100;

/** Counters: what their sums and their final counts say about acknowledged increments. 6 bytes an increment are kept. */
export function totalsCheck(writes: WriteIndex, excuse: Excuse): Check<Totals> {
  const { atRest } = writes;
  const ledger = lossLedger(excuse);
  const counters = new Map<number, Counter>();
  const contested = tally<Contest>();
  const wentBack = tally<Contest>();

  const counterOf = (key: number): Counter => {
    let counter = counters.get(key);
    if (!counter) {
      counter = {
        acknowledged: 0,
        unknown: 0,
        beyond: 0,
        contested: 0,
        contestedOutside: 0,
        wentBack: false,
        wentBackOutside: false,
        highest: 0,
        ids: new Int32Array(16),
        nodes: new Uint16Array(16),
      };
      counters.set(key, counter);
    }
    return counter;
  };

  /** What the key counts in the end, of several primaries the most; null where that is unknown. */
  const finalOf = (key: number): number | null => {
    if (!atRest.answered(key)) return null;
    let most = countIn(atRest.first(key));
    for (const [value] of atRest.others(key) ?? []) {
      const count = countIn(value);
      most = most === null || count === null ? null : Math.max(most, count);
    }
    return most;
  };

  const contest = (row: Row, names: Names, counter: Counter, sum: number): Contest => {
    const id = (counter.ids[sum] as number) - 1;
    return {
      key: names.key(row.key),
      slot: names.slot(row.key),
      first: {
        id,
        sum,
        node: names.node((counter.nodes[sum] as number) - 2),
        sentAtMs: writes.sentAtMs(id),
        acknowledgedAtMs: writes.doneAtMs(id),
      },
      second: { id: row.id, sum: row.value, node: names.node(row.node), sentAtMs: row.sentAtMs, acknowledgedAtMs: row.doneAtMs },
    };
  };

  const bothOutside = (row: Row, names: Names, counter: Counter, sum: number): boolean =>
    !excuse(names.node(row.node), row.doneAtMs, 'acknowledged') &&
    !excuse(names.node((counter.nodes[sum] as number) - 2), writes.doneAtMs((counter.ids[sum] as number) - 1), 'acknowledged');

  const seeAcknowledged = (row: Row, names: Names): void => {
    const { key, value: sum } = row;
    const counter = counterOf(key);
    counter.acknowledged++;
    const final = finalOf(key);
    if (final !== null && sum > final) {
      counter.beyond++;
      ledger.lost(row, names, `a count of ${final}`);
    } else ledger.acknowledged(row, names);
    // A sum beyond all operations tells of increments that nobody has sent: it shows as excess.
    if (sum < 1 || sum > writes.ids) return;
    counter.ids = reach(counter.ids, sum);
    counter.nodes = reach(counter.nodes, sum);
    if (counter.ids[sum] !== 0 && (final === null || sum <= final)) {
      const outside = bothOutside(row, names, counter, sum);
      counter.contested++;
      if (outside) counter.contestedOutside++;
      contested.add(outside, () => contest(row, names, counter, sum));
    }
    // From the highest sum down only increments at the same time are passed, until one is found that was over before.
    for (let higher = counter.highest; higher >= sum; higher--) {
      if (counter.ids[higher] === 0 || writes.doneAtMs((counter.ids[higher] as number) - 1) >= row.sentAtMs) continue;
      const outside = bothOutside(row, names, counter, higher);
      counter.wentBack = true;
      if (outside) counter.wentBackOutside = true;
      const told = higher;
      wentBack.add(outside, () => contest(row, names, counter, told));
      break;
    }
    counter.ids[sum] = row.id + 1;
    counter.nodes[sum] = row.node + 2;
    counter.highest = Math.max(counter.highest, sum);
  };

  return {
    see(row, names) {
      if (row.verb !== 'increment') return;
      if (row.outcome === 'ok') seeAcknowledged(row, names);
      else if (row.outcome === 'unknown') counterOf(row.key).unknown++;
    },
    finish(names) {
      const losses = ledger.finish(names);
      let [acknowledged, unknown, lost, outside, recovered, excess, unreadable] = [0, 0, losses.lost, losses.outside, 0, 0, 0];
      const excesses: Excess[] = [];
      const unreadableKeys: string[] = [];
      for (const [key, counter] of counters) {
        acknowledged += counter.acknowledged;
        unknown += counter.unknown;
        lost += counter.contested;
        outside += counter.contestedOutside;
        if (counter.wentBack && counter.beyond + counter.contested === 0) {
          lost++;
          if (counter.wentBackOutside) outside++;
        }
        const final = finalOf(key);
        if (final === null) {
          unreadable += counter.acknowledged;
          unreadableKeys.push(names.key(key));
          continue;
        }
        const more = Math.max(0, final - (counter.acknowledged - counter.beyond - counter.contested));
        recovered += Math.min(more, counter.unknown);
        if (more <= counter.unknown) continue;
        excess += more - counter.unknown;
        if (excesses.length < examplesKept)
          excesses.push({ key: names.key(key), slot: names.slot(key), count: final, atMost: final - (more - counter.unknown) });
      }
      return {
        keys: counters.size,
        acknowledged,
        unknown,
        lost,
        outside,
        losses,
        contested: contested.result(),
        wentBack: wentBack.result(),
        recovered,
        excess: { total: excess, examples: excesses },
        unreadable,
        unreadableKeys: { total: unreadableKeys.length, examples: unreadableKeys.slice(0, examplesKept) },
      };
    },
  };
}

/** A key that is not there has counted nothing; what is no number has no count. */
const countIn = (value: number): number | null => (value === nothing ? 0 : value < 0 ? null : value);
