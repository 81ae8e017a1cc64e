/** Events of one kind in the order of their record, found by time without going through them. */
export class Series<E extends { readonly atMs: number }> {
  readonly #events: E[] = [];
  /** Of every record that was written by a recorder; any other is gone through. */
  #inOrder = true;

  get all(): readonly E[] {
    return this.#events;
  }

  add(event: E): void {
    if (event.atMs < (this.#events.at(-1)?.atMs ?? event.atMs)) this.#inOrder = false;
    this.#events.push(event);
  }

  /** A copy of all in [fromMs, toMs]. */
  between(fromMs: number, toMs: number): E[] {
    if (!this.#inOrder) return this.#events.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    return this.#events.slice(this.#countBefore(fromMs), this.#countUpTo(toMs));
  }

  firstFrom(fromMs: number): E | undefined {
    return this.#inOrder ? this.#events[this.#countBefore(fromMs)] : this.#events.find(({ atMs }) => atMs >= fromMs);
  }

  lastIn(fromMs: number, toMs: number): E | undefined {
    if (!this.#inOrder) return this.#events.findLast(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    const event = this.#events[this.#countUpTo(toMs) - 1];
    return event && event.atMs >= fromMs ? event : undefined;
  }

  #countBefore(ms: number): number {
    return this.#countWhile((atMs) => atMs < ms);
  }

  #countUpTo(ms: number): number {
    return this.#countWhile((atMs) => atMs <= ms);
  }

  /** Of how many the time is still so, where it is so of some first ones and of none thereafter. */
  #countWhile(isEarly: (atMs: number) => boolean): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isEarly((this.#events[middle] as E).atMs)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
