import type { Outcome, Row, Verb } from '../timeline/history.ts';

/** Verbs that change a key; their value is the id of the operation, for 'increment' the sum. */
const writing: ReadonlySet<Verb> = new Set(['set', 'append', 'add', 'increment', 'push', 'take', 'finish', 'set-pair', 'set-expiring']);
export const writes = (verb: Verb): boolean => writing.has(verb);

const codes: Readonly<Record<Outcome, number>> = { ok: 1, failed: 2, unknown: 3 };
const names: readonly (Outcome | null)[] = [null, 'ok', 'failed', 'unknown'];
const wasRead = 4;

/**
 * What is kept of every write while a history is checked: its outcome, when it was sent and done, and whether any read
 * returned it. 17 bytes each; everything else stays in the file.
 */
export class WriteIndex {
  #flags = new Uint8Array(1 << 12);
  #sentAtMs = new Float64Array(1 << 12);
  #doneAtMs = new Float64Array(1 << 12);
  /** The longest time between sending and the answer, or giving up: nothing done later was sent this much earlier. */
  longestMs = 0;
  operations = 0;

  see(row: Row): void {
    this.operations++;
    this.longestMs = Math.max(this.longestMs, row.doneAtMs - row.sentAtMs);
    if (writes(row.verb)) {
      this.#reserve(row.id);
      this.#flags[row.id] = (this.#flags[row.id] as number) | codes[row.outcome];
      this.#sentAtMs[row.id] = row.sentAtMs;
      this.#doneAtMs[row.id] = row.doneAtMs;
    }
    // A take returns a value that a push has put there.
    if (row.outcome !== 'ok' || row.verb === 'increment' || row.verb === 'count' || (writes(row.verb) && row.verb !== 'take')) return;
    if (row.value >= 0) this.#markRead(row.value);
    for (let index = 0; index < row.count; index++) if (row.valueAt(index) >= 0) this.#markRead(row.valueAt(index));
  }

  #markRead(id: number): void {
    this.#reserve(id);
    this.#flags[id] = (this.#flags[id] as number) | wasRead;
  }

  #reserve(id: number): void {
    if (id < this.#flags.length) return;
    // A value that no client of ours can have written is not worth any memory.
    if (id > 1 << 28) throw new RangeError(`the history holds a write of id ${id}`);
    const length = 2 ** Math.ceil(Math.log2(id + 1));
    const grown = <T extends Uint8Array | Float64Array>(old: T, made: T): T => {
      made.set(old as never);
      return made;
    };
    this.#flags = grown(this.#flags, new Uint8Array(length));
    this.#sentAtMs = grown(this.#sentAtMs, new Float64Array(length));
    this.#doneAtMs = grown(this.#doneAtMs, new Float64Array(length));
  }

  /** Null where no such write is in the history. */
  outcome(id: number): Outcome | null {
    return names[(this.#flags[id] ?? 0) & 3] ?? null;
  }

  sentAtMs(id: number): number {
    return this.#sentAtMs[id] ?? Number.NaN;
  }

  doneAtMs(id: number): number {
    return this.#doneAtMs[id] ?? Number.NaN;
  }

  /** Whether any read, a final one included, returned its value. */
  wasRead(id: number): boolean {
    return ((this.#flags[id] ?? 0) & wasRead) !== 0;
  }

  /** Whether one write was certainly over before the other began. One of unknown outcome is never over. */
  precedes(earlier: number, later: number): boolean {
    return this.outcome(earlier) === 'ok' && this.doneAtMs(earlier) < this.sentAtMs(later);
  }
}
