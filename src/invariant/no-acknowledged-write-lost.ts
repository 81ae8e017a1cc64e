import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import type { MissingWrite } from '../timeline.ts';
import { spanOf } from '../timeline/claims.ts';
import { allowanceMs, lossWindowMs } from '../timeline/theory.ts';

/**
 * Replication is asynchronous: the engine documents windows in which an acknowledged write may be lost. A loss inside
 * such a window of a node that a fault exposed is counted and listed; any other is a violation.
 */
export default {
  name: 'no-acknowledged-write-lost',
  claim: 'No acknowledged write is lost outside the windows that the engine documents.',
  check(timeline) {
    const readBack = timeline.of('read-back').at(-1);
    if (!readBack) return unknown('nothing was read back');
    if (readBack.keys === 0) return unknown('no key was ever written');
    const windows = timeline.of('fault-injecting').flatMap((fault) => {
      const { injectedAtMs, healedAtMs } = spanOf(timeline, fault.fault);
      return fault.exposes.map(({ node, how }) => ({
        node,
        fromMs: fault.atMs,
        toMs: injectedAtMs + lossWindowMs(timeline.run, how, healedAtMs - injectedAtMs) + allowanceMs,
      }));
    });
    const excused = (write: MissingWrite): boolean =>
      windows.some(({ node, fromMs, toMs }) => node === write.node && write.acknowledgedAtMs >= fromMs && write.acknowledgedAtMs <= toMs);
    const outside = readBack.missing.filter((write) => !excused(write));
    const list = (writes: readonly MissingWrite[]): string =>
      writes
        .slice(0, 5)
        .map(({ key, node, acknowledgedAtMs }) => `${key} acknowledged by ${node} at ${formatMs(acknowledgedAtMs)}`)
        .join(', ') + (writes.length > 5 ? ', …' : '');
    if (outside.length > 0)
      return violated(`${outside.length} acknowledged writes are lost outside every documented window: ${list(outside)}`, [readBack.seq]);
    // What is lost is proven by the keys that could be read; that nothing is lost is not.
    if (readBack.unreadable > 0) return unknown(`${readBack.unreadable} of ${readBack.keys} keys could not be read back`);
    if (readBack.missing.length > 0)
      return held(`${readBack.missing.length} acknowledged writes are lost, all within a documented window: ${list(readBack.missing)}`);
    return held(`every acknowledged write of ${readBack.keys} keys was found`);
  },
} satisfies Invariant;
