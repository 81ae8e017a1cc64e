import { foreign, nothing, type Operation } from '../../src/timeline/history.ts';

/** A write of the value that may happen at any time after it was sent, or never. */
interface Effect {
  readonly write: boolean;
  readonly value: number;
  readonly sentAtMs: number;
  /** Infinity where it need not happen. */
  readonly doneAtMs: number;
}

const effectOf = ({ verb, value, sentAtMs, doneAtMs, outcome }: Operation): Effect => ({
  write: verb === 'set',
  value,
  sentAtMs,
  doneAtMs: outcome === 'ok' ? doneAtMs : Number.POSITIVE_INFINITY,
});

/** Tries one order after the other, by the definition alone: no operation stands before one that was over when it began. */
export function someOrder(effects: readonly Effect[], value = nothing): boolean {
  if (effects.every(({ doneAtMs }) => doneAtMs === Number.POSITIVE_INFINITY)) return true;
  return effects.some((effect, index) => {
    if (effects.some(({ doneAtMs }) => doneAtMs < effect.sentAtMs)) return false;
    if (!effect.write && effect.value !== value) return false;
    return someOrder(effects.toSpliced(index, 1), effect.value);
  });
}

/** The same as Wing and Gong's search with Lowe's memo: what was tried from a set of operations and a value is not tried again. */
export function someOrderFound(effects: readonly Effect[]): boolean {
  const tried = new Set<string>();
  const search = (done: bigint, value: number): boolean => {
    const left = [...effects.keys()].filter((index) => (done & (1n << BigInt(index))) === 0n);
    const of = (index: number): Effect => effects[index] as Effect;
    if (left.every((index) => of(index).doneAtMs === Number.POSITIVE_INFINITY)) return true;
    const state = `${done} ${value}`;
    if (tried.has(state)) return false;
    tried.add(state);
    const firstEndMs = Math.min(...left.map((index) => of(index).doneAtMs));
    return left.some((index) => {
      const effect = of(index);
      if (effect.sentAtMs > firstEndMs || (!effect.write && effect.value !== value)) return false;
      return search(done | (1n << BigInt(index)), effect.value);
    });
  };
  return search(0n, nothing);
}

const counts = ({ verb, outcome, replica }: Operation): boolean => outcome === 'ok' && (verb === 'set' || !replica);

/** What may have happened for all that is known: the given operations, and the other writes whose values they returned. */
function effectsOf(given: readonly Operation[], history: readonly Operation[], takenAsTheyAre: readonly number[] = []): Effect[] {
  const values = new Set(given.filter(({ verb }) => verb === 'get').map(({ value }) => value));
  const more = history.filter(
    (operation) => operation.verb === 'set' && operation.outcome !== 'failed' && values.has(operation.value) && !given.includes(operation),
  );
  return [
    ...given.filter(({ verb, value }) => verb === 'get' || !takenAsTheyAre.includes(value)).map(effectOf),
    ...more
      .filter(({ value }) => !takenAsTheyAre.includes(value))
      .map((operation) => ({ ...effectOf(operation), doneAtMs: Number.POSITIVE_INFINITY })),
    ...takenAsTheyAre.map((value) => ({
      write: true,
      value,
      sentAtMs: Number.NEGATIVE_INFINITY,
      doneAtMs: Number.POSITIVE_INFINITY,
    })),
  ];
}

/**
 * The ids of the reads of one key's history, in the order in which it was done, with each of which what was seen so far
 * has no order any more. After one, the rest is a history of its own, in which the value is taken as it is.
 */
export function inexplicable(history: readonly Operation[], hasOrder: (effects: readonly Effect[]) => boolean = someOrder): number[] {
  const ids: number[] = [];
  let since: Operation[] = [];
  let taken: number[] = [];
  for (const operation of history.filter(counts)) {
    since.push(operation);
    if (hasOrder(effectsOf(since, history, taken))) continue;
    ids.push(operation.id);
    since = [operation];
    taken = hasOrder(effectsOf(since, history)) ? [] : [operation.value];
  }
  return ids;
}

/**
 * Whether the operations are a contradiction when a value whose write is not among them may have been written at any time:
 * any value at all, or any but one that nobody wrote.
 */
export function contradictory(window: readonly Operation[], whatever: boolean): boolean {
  const written = new Set(window.filter(({ verb }) => verb === 'set').map(({ value }) => value));
  const free = [...new Set(window.map(({ value }) => value))].filter((value) => value !== nothing && !written.has(value));
  const happened = window.filter(({ outcome }) => outcome !== 'failed');
  return !someOrder(
    effectsOf(
      happened,
      [],
      free.filter((value) => whatever || value !== foreign),
    ),
  );
}
