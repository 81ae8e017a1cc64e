import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchStalls } from '../src/stall.ts';

describe('a stall of the harness', () => {
  let nowMs: number;
  let stalls: number[];
  /** Time goes on, and the event loop comes round at its end. */
  const pass = (ms: number): void => {
    nowMs += ms;
    vi.advanceTimersByTime(50);
  };
  beforeEach(() => {
    vi.useFakeTimers();
    nowMs = 1_000;
    stalls = [];
  });
  afterEach(() => void vi.useRealTimers());

  it('is told as it ends, without the time that the timer was meant to take', () => {
    using _ = watchStalls(
      () => nowMs,
      (forMs) => stalls.push(forMs),
    );
    pass(50);
    pass(299);
    expect(stalls).toEqual([]);
    pass(300);
    pass(1_262.4);
    pass(50);
    expect(stalls).toEqual([250, 1_212]);
  });

  it('is not told any more once nobody watches', () => {
    watchStalls(
      () => nowMs,
      (forMs) => stalls.push(forMs),
    )[Symbol.dispose]();
    pass(5_000);
    expect(stalls).toEqual([]);
  });
});
