import type { Exposure } from '../timeline.ts';
import { spanOf } from './claims.ts';
import { allowanceMs, lossWindowMs } from './theory.ts';
import type { Timeline } from './timeline.ts';

/** A time in which the engine documents that what a node acknowledged may be lost, and what it reads may be old. */
export interface ExposedWindow {
  readonly node: string;
  readonly how: Exposure['how'];
  /** From the beginning of the fault until the theory's bound after it took hold, with the allowance for measuring. */
  readonly fromMs: number;
  readonly toMs: number;
  /** When the fault took hold, and the theory's bound counted from there: Infinity where its end is not in the record. */
  readonly injectedAtMs: number;
  readonly boundMs: number;
}

/** From the moment a fault began at a node until the theory's bound after it took hold. */
export function exposedWindows(timeline: Timeline): ExposedWindow[] {
  return timeline.of('fault-injecting').flatMap((fault) => {
    const { injectedAtMs, healedAtMs } = spanOf(timeline, fault.fault);
    return fault.exposes.map(({ node, how }) => {
      const boundMs = lossWindowMs(timeline.run, how, healedAtMs - injectedAtMs);
      return { node, how, fromMs: fault.atMs, toMs: injectedAtMs + boundMs + allowanceMs, injectedAtMs, boundMs };
    });
  });
}

/**
 * The exposed windows that excuse a loss. A write that every replica of its shard has by the answer of WAIT is lost to none
 * of them but an emptied primary, which its replicas copy.
 */
export function excusingWindows(timeline: Timeline): ExposedWindow[] {
  const { run } = timeline;
  const count = (role: 'primary' | 'replica'): number => run.nodes.filter((node) => node.role === role).length;
  const everywhere = run.workload.wait > 0 && run.workload.wait * count('primary') >= count('replica');
  return exposedWindows(timeline).filter(({ how }) => how === 'emptied' || !everywhere);
}

/**
 * Whether a documented window covers what a node did at a moment; where nobody knows which node it was, any window does.
 * What is read may be old whether or not clients ask for WAIT, since nobody waits before a read.
 */
export function excuseOf(timeline: Timeline): (node: string | null, atMs: number, deed: 'acknowledged' | 'read') => boolean {
  const windows = { acknowledged: excusingWindows(timeline), read: exposedWindows(timeline) };
  return (node, atMs, deed) =>
    windows[deed].some((window) => (node === null || window.node === node) && window.fromMs <= atMs && atMs <= window.toMs);
}
