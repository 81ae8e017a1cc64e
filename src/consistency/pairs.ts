import type { Check, Tally } from '../consistency.ts';
import { foreign, type Names, nothing, type Row } from '../timeline/history.ts';
import { tally } from './tally.ts';
import type { WriteIndex } from './writes.ts';

/** A read that returned one half of one write and the other half of another. */
export interface TornRead {
  readonly key: string;
  readonly slot: number;
  readonly node: string | null;
  readonly replica: boolean;
  readonly atMs: number;
  readonly values: readonly [number, number];
}

/** Pairs that are written together, by MULTI or by a script, and must be seen together. */
export interface Pairs {
  readonly reads: number;
  readonly torn: Tally<TornRead>;
  /** Torn at rest, by whichever node was asked. */
  readonly tornInTheEnd: Tally<TornRead>;
  /** Values that differ, one of which nobody has written: not counted as torn. */
  readonly undecided: number;
}

/**
 * Whether transactions are seen in halves. A primary runs them without anything in between and passes them on as one (server.c
 * call, propagateNow; a replica executes at EXEC, and what is cut off before it is dropped from an append-only file, aof.c
 * loadSingleAppendOnlyFile): no documented window explains a torn read, so every one is `outside`. Lost pairs are counted
 * by lossCheck.
 */
export function pairsCheck(writes: WriteIndex): Check<Pairs> {
  const torn = tally<TornRead>();
  const tornInTheEnd = tally<TornRead>();
  let reads = 0;
  let undecided = 0;
  const known = (value: number): boolean => value === nothing || (value !== foreign && writes.outcome(value) !== null);
  const read = (row: Row, names: Names, a: number, b: number): TornRead => ({
    key: names.key(row.key),
    slot: names.slot(row.key),
    node: names.node(row.node),
    replica: row.replica,
    atMs: row.doneAtMs,
    values: [a, b],
  });
  return {
    see(row, names) {
      if (row.verb !== 'get-pair' || row.outcome !== 'ok' || row.count !== 2) return;
      reads++;
      const a = row.valueAt(0);
      const b = row.valueAt(1);
      if (a === b) return;
      if (!known(a) || !known(b)) undecided++;
      else (row.final ? tornInTheEnd : torn).add(true, () => read(row, names, a, b));
    },
    finish: () => ({ reads, torn: torn.result(), tornInTheEnd: tornInTheEnd.result(), undecided }),
  };
}
