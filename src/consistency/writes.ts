import { SlotquakeError } from '../base/errors.ts';
import type { Outcome, Row, Verb } from '../timeline/history.ts';
import { Finals } from './finals.ts';

/** Verbs that change a key; their value is the id of the operation, for 'increment' the sum. */
const writing: ReadonlySet<Verb> = new Set(['set', 'append', 'add', 'increment', 'push', 'take', 'finish', 'set-pair', 'set-expiring']);
export const writes = (verb: Verb): boolean => writing.has(verb);

const codes: Readonly<Record<Outcome, number>> = { ok: 1, failed: 2, unknown: 3 };
const names: readonly (Outcome | null)[] = [null, 'ok', 'failed', 'unknown'];
const wasRead = 4;
const inTheEnd = 8;
const wasKept = 16;
const wasTaken = 32;
const wasTakenAgain = 64;
const wasFinished = 128;

/** The highest id that is kept. A larger value was written by no client of ours. */
const highestId = 1 << 28;

const pageBits = 14;
const pageSize = 1 << pageBits;

/**
 * What is kept of every write while a history is checked: its outcome, when it was sent and done, and who came across
 * it. 17 bytes each; everything else stays in the file.
 */
export class WriteIndex {
  // In pages, since an array that grows is there twice while it is copied.
  readonly #flags: Uint8Array[] = [];
  readonly #sentAtMs: Float64Array[] = [];
  readonly #doneAtMs: Float64Array[] = [];
  /** The longest time between sending and the answer, or giving up: nothing done later was sent this much earlier. */
  longestMs = 0;
  operations = 0;
  /** Every id of a write, or of a value that was read, is below. */
  ids = 0;
  /** What the nodes answered in the end. */
  readonly atRest = new Finals();
  /** Reads of all of a list or set that were answered while it was still written. */
  wholeReads = 0;

  see(row: Row): void {
    this.operations++;
    if (row.final) this.atRest.see(row);
    this.longestMs = Math.max(this.longestMs, row.doneAtMs - row.sentAtMs);
    if (writes(row.verb)) {
      if (row.id > highestId)
        throw new SlotquakeError(`expected ids of writes up to ${highestId}, got ${row.id}: the history is too long to be checked`);
      this.#reserve(row.id);
      const page = row.id >>> pageBits;
      const at = row.id & (pageSize - 1);
      const flags = this.#flags[page] as Uint8Array;
      flags[at] = (flags[at] as number) | codes[row.outcome];
      (this.#sentAtMs[page] as Float64Array)[at] = row.sentAtMs;
      (this.#doneAtMs[page] as Float64Array)[at] = row.doneAtMs;
    }
    if (row.verb === 'finish' && row.outcome !== 'failed') this.#mark(row.value, wasFinished);
    // A take returns a value that a push has put there.
    if (row.outcome !== 'ok' || row.verb === 'increment' || row.verb === 'count' || (writes(row.verb) && row.verb !== 'take')) return;
    if (!row.final && (row.verb === 'range' || row.verb === 'members')) this.wholeReads++;
    let marks = wasRead;
    if (row.final) marks |= row.replica ? inTheEnd : inTheEnd | wasKept;
    if (row.verb === 'take') marks |= this.wasTaken(row.value) ? wasTakenAgain : wasTaken;
    this.#mark(row.value, marks);
    for (let index = 0; index < row.count; index++) this.#mark(row.valueAt(index), marks);
  }

  #mark(id: number, marks: number): void {
    if (id < 0 || id > highestId) return;
    this.#reserve(id);
    const flags = this.#flags[id >>> pageBits] as Uint8Array;
    const at = id & (pageSize - 1);
    flags[at] = (flags[at] as number) | marks;
  }

  #reserve(id: number): void {
    if (id >= this.ids) this.ids = id + 1;
    const page = id >>> pageBits;
    if (this.#flags[page]) return;
    this.#flags[page] = new Uint8Array(pageSize);
    this.#sentAtMs[page] = new Float64Array(pageSize);
    this.#doneAtMs[page] = new Float64Array(pageSize);
  }

  #flagsOf(id: number): number {
    return this.#flags[id >>> pageBits]?.[id & (pageSize - 1)] ?? 0;
  }

  /** Null where no such write is in the history. */
  outcome(id: number): Outcome | null {
    return names[this.#flagsOf(id) & 3] ?? null;
  }

  sentAtMs(id: number): number {
    return this.#sentAtMs[id >>> pageBits]?.[id & (pageSize - 1)] ?? Number.NaN;
  }

  doneAtMs(id: number): number {
    return this.#doneAtMs[id >>> pageBits]?.[id & (pageSize - 1)] ?? Number.NaN;
  }

  /** Whether any read, a final one included, returned its value. */
  wasRead(id: number): boolean {
    return (this.#flagsOf(id) & wasRead) !== 0;
  }

  /** Whether a final read of any node returned its value. */
  inTheEnd(id: number): boolean {
    return (this.#flagsOf(id) & inTheEnd) !== 0;
  }

  /** Whether a primary still had it in the end, when everything was over. */
  wasKept(id: number): boolean {
    return (this.#flagsOf(id) & wasKept) !== 0;
  }

  /** Whether a client got it out of a queue. */
  wasTaken(id: number): boolean {
    return (this.#flagsOf(id) & wasTaken) !== 0;
  }

  wasTakenAgain(id: number): boolean {
    return (this.#flagsOf(id) & wasTakenAgain) !== 0;
  }

  /** Whether a client said of what it took that it is worked off, and the answer was not that this did not happen. */
  wasFinished(id: number): boolean {
    return (this.#flagsOf(id) & wasFinished) !== 0;
  }

  /** Whether it was acknowledged, and that before a moment. */
  wasDoneBefore(id: number, atMs: number): boolean {
    return (this.#flagsOf(id) & 3) === codes.ok && this.doneAtMs(id) < atMs;
  }

  /** Whether one write was certainly over before the other began. One of unknown outcome is never over. */
  precedes(earlier: number, later: number): boolean {
    return this.wasDoneBefore(earlier, this.sentAtMs(later));
  }
}
