import type { Check, Consistency } from './consistency.ts';
import { expiryCheck } from './consistency/expiry.ts';
import { linearizabilityCheck } from './consistency/linearizable.ts';
import { lossCheck } from './consistency/loss.ts';
import { pairsCheck } from './consistency/pairs.ts';
import { queueCheck } from './consistency/queue.ts';
import { readsCheck } from './consistency/reads.ts';
import { frameOf, serviceCheck } from './consistency/service.ts';
import { claimsOf, splitBrainCheck } from './consistency/split-brain.ts';
import { totalsCheck } from './consistency/totals.ts';
import { WriteIndex } from './consistency/writes.ts';
import { UsageError } from './base/errors.ts';
import { type Names, type Row, scanHistory } from './timeline/history.ts';
import type { Timeline } from './timeline/timeline.ts';
import { excuseOf } from './timeline/windows.ts';

/** How much time the search for an order may take, all keys together. What is not finished by then is unknown. */
const linearizabilityWithinMs = 20_000;

/**
 * What the operations of a run show: the history is read twice, first to know every write, then to check. Null where the
 * run has no history. Pure but for reading the file.
 */
export function examine(folder: string, timeline: Timeline): Consistency | null {
  try {
    return examineHistory((see) => scanHistory(folder, see), timeline);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** Streams a history past a function, the same each time. */
export type Scan = (see: (row: Row, names: Names) => void) => { readonly names: Names; readonly defects: readonly string[] };

export function examineHistory(scan: Scan, timeline: Timeline): Consistency {
  const writes = new WriteIndex();
  const whole = scan((row) => writes.see(row)).defects.length === 0;
  const excuse = excuseOf(timeline);
  const checks = {
    loss: lossCheck(writes, excuse),
    totals: totalsCheck(writes, excuse),
    queues: queueCheck(writes, excuse),
    pairs: pairsCheck(writes),
    expiry: expiryCheck(writes, excuse),
    reads: readsCheck(writes, excuse, { whole }),
    splitBrain: splitBrainCheck(claimsOf(timeline), excuse),
    linearizability: linearizabilityCheck(writes, excuse, { withinMs: linearizabilityWithinMs }),
    service: serviceCheck(frameOf(timeline)),
  };
  const all = Object.values(checks) as readonly Check<unknown>[];
  const { names, defects } = scan((row, known) => {
    for (const check of all) check.see(row, known);
  });
  return { operations: writes.operations, defects, ...finished(checks, names) };
}

type Results<Checks> = { readonly [Name in keyof Checks]: Checks[Name] extends Check<infer Result> ? Result : never };

const finished = <Checks extends Readonly<Record<string, Check<unknown>>>>(checks: Checks, names: Names): Results<Checks> =>
  Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, check.finish(names)])) as Results<Checks>;
