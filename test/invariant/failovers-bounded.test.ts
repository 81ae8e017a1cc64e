import { describe, expect, it } from 'vitest';
import failovers from '../../src/invariant/failovers-bounded.ts';
import { idOf, run } from '../recorded.ts';
import { type Answers, film, line } from './recorded.ts';

const allowing = (allowed: number, change: (answers: Answers, node: string, atMs: number) => void | false = () => {}) =>
  failovers.check(film({ change, info: { budget: { failovers: allowed } } }));
const promoted = (answers: Answers, slots: Answers['topology'][number]['slots']): void =>
  line(answers, idOf('node-4'), { flags: ['myself', 'master'], slots, primary: null });
const takeover = (answers: Answers, node: string, atMs: number): void => {
  if (node === 'node-4' && atMs > 5_000) promoted(answers, [[0, 5460]]);
};

describe('failovers-bounded', () => {
  it('is asked where the experiment allows a number of them', () => {
    expect(failovers.suits(run)).toBe(false);
    expect(failovers.suits({ ...run, budget: { failovers: 0 } })).toBe(true);
  });
  it('holds where roles stay', () => expect(allowing(0)).toMatchObject({ outcome: 'held' }));
  it('is violated by one more than is allowed, and says who took over when', () => {
    expect(allowing(0, takeover)).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^1 failovers, where 0 are allowed: node-4 took over at 5\.0/),
      witnesses: [expect.any(Number)],
    });
    expect(allowing(1, takeover)).toMatchObject({ outcome: 'held' });
  });
  it('leaves out a node that became a primary without slots', () => {
    const emptied = (answers: Answers, node: string, atMs: number): void => {
      if (node === 'node-4' && atMs > 5_000) promoted(answers, []);
    };
    expect(allowing(0, emptied)).toMatchObject({ outcome: 'held' });
  });
  it('is unknown where a node was not heard of in the end', () => {
    expect(allowing(0, (_answers, node, atMs) => (node === 'node-3' && atMs > 8_000 ? false : undefined))).toMatchObject({
      outcome: 'unknown',
    });
  });
});
