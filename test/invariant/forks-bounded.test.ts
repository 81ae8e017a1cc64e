import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/forks-bounded.ts';
import { run } from '../recorded.ts';
import { type Answers, endedAt, film } from './recorded.ts';

const info = { budget: { forkMs: 100 } };
const forked =
  (lastForkMicros: number) =>
  (answers: Answers, node: string, atMs: number): void => {
    if (node === 'node-2' && atMs >= 4_000) answers.persistence = { ...answers.persistence, lastForkMicros };
  };

describe('forks-bounded', () => {
  it('is asked only where a budget says how long', () => {
    expect(bounded.suits(run)).toBe(false);
    expect(bounded.suits({ ...run, ...info })).toBe(true);
  });
  it('holds at short forks, and says how long the longest was', () => {
    expect(bounded.check(film({ info, change: forked(99_000) }))).toMatchObject({
      outcome: 'held',
      because: 'the longest fork was 99 ms at node-2, the limit is 100 ms',
    });
  });
  it('is violated by a single long one, which is the witness', () => {
    const finding = bounded.check(film({ info, change: forked(2_500_000) }));
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining('2.50 s at node-2') });
    expect(finding.outcome === 'violated' && finding.witnesses).toHaveLength(1);
  });
  it('is unknown where a node tells nothing at the end, or the run never began', () => {
    expect(bounded.check(film({ info, change: (_, node, atMs) => (node === 'node-5' && atMs > 8_000 ? false : undefined) }))).toMatchObject(
      {
        outcome: 'unknown',
      },
    );
    expect(bounded.check(endedAt(film({ info }), 100))).toMatchObject({ outcome: 'unknown' });
  });
});
