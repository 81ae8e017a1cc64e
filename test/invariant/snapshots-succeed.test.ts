import { describe, expect, it } from 'vitest';
import succeed from '../../src/invariant/snapshots-succeed.ts';
import { type Answers, film, startsAtMs } from './recorded.ts';

const check = (changes: Partial<Answers['persistence']>, fromMs: number, toMs: number) =>
  succeed.check(
    film({
      change: (answers, node, atMs) => {
        if (node === 'node-2' && atMs > fromMs && atMs < toMs) answers.persistence = { ...answers.persistence, ...changes };
      },
    }),
  );

describe('snapshots-succeed', () => {
  it('is violated by a snapshot or an append that failed at any time, with the first answer that says so', () => {
    expect(check({ snapshotOk: false }, 3_000, 4_000)).toMatchObject({
      outcome: 'violated',
      because: 'node-2 could not write its snapshot',
      witnesses: [expect.any(Number)],
    });
    expect(check({ aofOk: false }, 3_000, 4_000)).toMatchObject({ outcome: 'violated', because: 'node-2 could not write its AOF' });
  });
  it('does not look at what was before clients started', () =>
    expect(check({ snapshotOk: false }, 0, startsAtMs.steady).outcome).toBe('held'));
  it('is unknown when a node was silent in the end', () => {
    const silent = film({ change: (_answers, node, atMs) => (node === 'node-2' && atMs > startsAtMs.verify ? false : undefined) });
    expect(succeed.check(silent).outcome).toBe('unknown');
  });
});
