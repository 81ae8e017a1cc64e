import { describe, expect, it } from 'vitest';
import inTime from '../../src/invariant/loads-in-time.ts';
import { run } from '../recorded.ts';
import { film, startsAtMs } from './recorded.ts';

const check = (loadingMs: number, fromMs: number, toMs: number) =>
  inTime.check(
    film({
      change: (answers, node, atMs) => {
        if (node === 'node-4') answers.persistence = { ...answers.persistence, loading: atMs >= fromMs && atMs < toMs };
      },
      info: { budget: { loadingMs } },
    }),
  );

describe('loads-in-time', () => {
  it('is asked only where an experiment has a limit', () => {
    expect(inTime.suits(run)).toBe(false);
    expect(inTime.suits({ ...run, budget: { loadingMs: 1 } })).toBe(true);
  });
  it('is violated by a node that loads for longer, with both ends as witnesses', () =>
    expect(check(1_500, 3_000, 5_000)).toMatchObject({
      outcome: 'violated',
      because: 'node-4 was loading for 2.00 s, the limit is 1.50 s',
      witnesses: [expect.any(Number), expect.any(Number)],
    }));
  it('is violated by one that never comes to an end', () => expect(check(1_500, 3_000, Number.POSITIVE_INFINITY).outcome).toBe('violated'));
  it('holds where it takes less, and where nobody loads', () => {
    expect(check(2_500, 3_000, 5_000).because).toBe('node-4 was loading for 2.00 s, the limit is 2.50 s');
    expect(check(1, 0, 0).because).toBe('nobody was seen loading, the limit is 1 ms');
  });
  it('is unknown when a node was silent in the end', () => {
    const silent = film({
      change: (_answers, node, atMs) => (node === 'node-4' && atMs > startsAtMs.verify ? false : undefined),
      info: { budget: { loadingMs: 1_000 } },
    });
    expect(inTime.check(silent).outcome).toBe('unknown');
  });
});
