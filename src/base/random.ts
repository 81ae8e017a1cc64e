import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Seeded choices. The same seed gives the same choices in the same order; there is no other source of chance in a plan. */
export interface Random {
  /** A whole number from low to high, both included. */
  integer(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
  /** A stream of its own, so that one consumer's draws do not shift another's. */
  fork(label: string): Random;
}

export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(scattered(seed));
  const integer = (low: number, high: number): number => uniformInt(generator, low, high);
  return {
    integer,
    pick: (from) => {
      if (from.length === 0) throw new RangeError('expected something to pick from, got an empty list');
      return from[integer(0, from.length - 1)] as (typeof from)[number];
    },
    fork: (label) => seededRandom([...label].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16_777_619), seed ^ 0x811c9dc5)),
  };
}

/** Neighbouring seeds would give nearly the same first draws: this spreads them out (the finalizer of MurmurHash3). */
function scattered(seed: number): number {
  let hash = seed | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A seed for a run that was given none. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 1_000_000);
}
