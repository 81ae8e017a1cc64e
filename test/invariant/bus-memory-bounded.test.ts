import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/bus-memory-bounded.ts';
import { run } from '../recorded.ts';
import { type Answers, endedAt, film } from './recorded.ts';

const info = { budget: { busBytes: 100_000 } };
const linkBytes =
  (count: number | null, fromMs = 4_000, toMs = 5_000) =>
  (answers: Answers, node: string, atMs: number): void => {
    if (node === 'node-3' && atMs >= fromMs && atMs < toMs) answers.memory = { ...answers.memory, linkBytes: count };
  };

describe('bus-memory-bounded', () => {
  it('is asked only where a budget says how much', () => {
    expect(bounded.suits(run)).toBe(false);
    expect(bounded.suits({ ...run, ...info })).toBe(true);
  });
  it('holds at what links need, and says how much it was', () => {
    expect(bounded.check(film({ info, change: linkBytes(20_000) }))).toMatchObject({
      outcome: 'held',
      because: expect.stringMatching(/^node-3 held 20,000 bytes at 4\.0/),
    });
  });
  it('is violated by one node in one moment, which is the witness', () => {
    const finding = bounded.check(film({ info, change: linkBytes(9_000_000) }));
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining('node-3 held 9,000,000 bytes') });
    expect(finding.outcome === 'violated' && finding.witnesses).toHaveLength(1);
  });
  it('is unknown where a node does not tell, or the run ended early', () => {
    expect(bounded.check(film({ info, change: linkBytes(null, 0, 99_000) }))).toMatchObject({ outcome: 'unknown' });
    expect(bounded.check(endedAt(film({ info }), 8_000))).toMatchObject({ outcome: 'unknown' });
  });
});
