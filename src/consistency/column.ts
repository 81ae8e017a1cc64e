/** A typed array that is long enough for an index: the same one, or a copy at least twice as long, filled up with `empty`. */
export function reach<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array>(column: T, index: number, empty = 0): T {
  if (index < column.length) return column;
  const length = Math.max(index + 1, 2 * column.length);
  const longer = new (column.constructor as new (length: number) => T)(length);
  longer.set(column);
  if (empty !== 0) longer.fill(empty, column.length);
  return longer;
}

/** A set of small numbers, one bit each. */
export class Bits {
  #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array((size >>> 5) + 1);
  }

  has(index: number): boolean {
    return (((this.#words[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
  }

  add(index: number): void {
    if (index >>> 5 >= this.#words.length) this.#words = reach(this.#words, index >>> 5);
    this.#words[index >>> 5] = (this.#words[index >>> 5] as number) | (1 << (index & 31));
  }

  delete(index: number): void {
    if (index >>> 5 < this.#words.length) this.#words[index >>> 5] = (this.#words[index >>> 5] as number) & ~(1 << (index & 31));
  }
}
