import { nothing, type Outcome } from '../timeline/history.ts';

/** An operation of a contradiction. */
export interface Step {
  readonly id: number;
  readonly verb: 'set' | 'get';
  /** `nothing`, `foreign`, or the id of a write. */
  readonly value: number;
  /** Null where the history does not tell. */
  readonly client: number | null;
  readonly node: string | null;
  readonly sentAtMs: number;
  /** Infinity for a write of unknown outcome, which may happen at any time after it was sent. */
  readonly doneAtMs: number;
  readonly outcome: Outcome;
}

/**
 * Why a read cannot be explained: its value was `overwritten`; it is `foreign`, no client of ours has written it; its write
 * had `failed`; it was read `early`, before its write was sent; or it is of a key `elsewhere`.
 */
export type Reason = 'overwritten' | 'foreign' | 'failed' | 'early' | 'elsewhere';

/** A read that no order of the operations can explain. */
export interface Violation {
  readonly key: string;
  readonly slot: number;
  readonly reason: Reason;
  /** When the read was answered, and by whom. */
  readonly atMs: number;
  readonly node: string | null;
  /**
   * Operations that are a contradiction already, the read last: without any one of them there is an order, when a value
   * whose write is not among them may have been written at any time.
   */
  readonly window: readonly Step[];
  readonly explanation: string;
}

/** Whether one was certainly over before the other began. */
const before = (earlier: Step, later: Step): boolean => earlier.doneAtMs < later.sentAtMs;

/**
 * The fewest operations which show that `read` is too late: one with its value was over before one with another value
 * began, and such a one was over before the read began. `same` is null for a read of nothing, which needs no witness of
 * having been first.
 */
export function overwritten(read: Step, same: readonly Step[] | null, other: readonly Step[]): Step[] {
  let fewest: Step[] = [];
  for (const earlier of same ?? [null])
    for (const second of other)
      for (const first of other) {
        if (!before(first, read)) continue;
        if (earlier === null) {
          if (first !== second) continue;
        } else if (!before(earlier, second)) continue;
        const steps = [...new Set([...(earlier ? [earlier] : []), first, second, read])];
        if (fewest.length === 0 || steps.length < fewest.length) fewest = steps;
      }
  return fewest.toSorted((a, b) => Number(a === read) - Number(b === read) || a.sentAtMs - b.sentAtMs);
}

/** The moments of a window in order, and how to write them so that no two look the same. */
export function momentsOf(window: readonly Step[]): { readonly moments: readonly number[]; readonly written: (ms: number) => string } {
  const known = window.flatMap(({ sentAtMs, doneAtMs }) => [sentAtMs, doneAtMs]).filter(Number.isFinite);
  const moments = [...new Set(known)].toSorted((a, b) => a - b);
  const inDigits = (digits: number) => (ms: number) => `${(ms / 1_000).toFixed(digits)} s`;
  const digits = [3, 4, 5].find((some) => new Set(moments.map(inDigits(some))).size === moments.length) ?? 6;
  return { moments, written: inDigits(digits) };
}

const by = ({ node }: Step): string => (node === null ? '' : ` by ${node}`);

/** The contradiction in one sentence. */
export function explained(reason: Reason, window: readonly Step[]): string {
  const read = window.at(-1) as Step;
  const { written: time } = momentsOf(window);
  const value = read.value === nothing ? 'nothing' : reason === 'foreign' ? 'a value' : String(read.value);
  const returned = `${read.node ?? 'a node'} returned ${value} to client ${read.client ?? '?'} at ${time(read.doneAtMs)}`;
  const write = window.find(({ verb }) => verb === 'set');
  switch (reason) {
    case 'foreign':
      return `${returned} that no client has written`;
    case 'elsewhere':
      return `${returned}, which is the value of another key`;
    case 'failed':
      return `${returned} although its write had failed${write ? ` at ${time(write.doneAtMs)}` : ''}`;
    case 'early':
      return `${returned}, before it was sent${write ? ` at ${time(write.sentAtMs)}` : ''}`;
    case 'overwritten':
  }
  const others = window.filter(({ value: own }) => own !== read.value);
  const over = others.find((step) => before(step, read)) as Step;
  const earlier = window.find((step) => step.value === read.value && step !== read);
  const began = others.find((step) => earlier && before(earlier, step));
  const had = `${over.value} had been ${over.verb === 'set' ? 'acknowledged' : 'returned'}${by(over)} at ${time(over.doneAtMs)}`;
  if (!earlier || !began) return `${returned} although ${had}`;
  const was = earlier.verb === 'set' ? `${value} was over` : `${value} had been returned${by(earlier)} at ${time(earlier.doneAtMs)}`;
  const then = began.verb === 'set' ? `${began.value} began` : `a read that returned ${began.value} began at ${time(began.sentAtMs)}`;
  return `${returned} although ${had}, and ${was} before ${then}`;
}
