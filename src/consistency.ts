import type { Expiry } from './consistency/expiry.ts';
import type { Linearizability } from './consistency/linearizable.ts';
import type { Loss } from './consistency/loss.ts';
import type { Pairs } from './consistency/pairs.ts';
import type { Queues } from './consistency/queue.ts';
import type { Reads } from './consistency/reads.ts';
import type { Service } from './consistency/service.ts';
import type { SplitBrain } from './consistency/split-brain.ts';
import type { Totals } from './consistency/totals.ts';
import type { Names, Row } from './timeline/history.ts';

/**
 * What clients were promised and what they got, found from the history alone. A check sees every operation in the order
 * in which they were done, holds as little as it can, and counts; judging is left to the invariants.
 */
export interface Check<Result> {
  see(row: Row, names: Names): void;
  finish(names: Names): Result;
}

/**
 * Whether the engine documents that what this node acknowledged at that moment may be lost, or what it let read may be old;
 * a node nobody knows is null. WAIT takes the excuse from the one and not from the other.
 */
export type Excuse = (node: string | null, atMs: number, deed: 'acknowledged' | 'read') => boolean;

/** Anomalies of one kind: all that were found, those that no documented window excuses, and some of them to look at. */
export interface Tally<Example> {
  readonly total: number;
  readonly outside: number;
  /** The ones outside of every window come first. */
  readonly examples: readonly Example[];
}

/** How many anomalies of a kind are kept to look at. */
export const examplesKept = 100;

/** consistency.json: what every check found. */
export interface Consistency {
  readonly operations: number;
  /** What of the history could not be read. */
  readonly defects: readonly string[];
  readonly loss: Loss;
  readonly totals: Totals;
  readonly queues: Queues;
  readonly pairs: Pairs;
  readonly expiry: Expiry;
  readonly reads: Reads;
  readonly splitBrain: SplitBrain;
  readonly linearizability: Linearizability;
  readonly service: Service;
}
