import { describe, expect, it } from 'vitest';
import partial from '../../src/invariant/resyncs-are-partial.ts';
import { run } from '../recorded.ts';
import { type Answers, film, startsAtMs } from './recorded.ts';

const check = (fullResyncs: number, change: (answers: Answers, node: string, atMs: number) => void | false) =>
  partial.check(film({ change, info: { budget: { fullResyncs } } }));
const counting =
  (changes: Partial<Answers['replication']>) =>
  (answers: Answers, node: string, atMs: number): void => {
    if (node === 'node-1' && atMs > 4_000) answers.replication = { ...answers.replication, ...changes };
  };

describe('resyncs-are-partial', () => {
  it('is asked only where an experiment says how many full resyncs there may be', () => {
    expect(partial.suits(run)).toBe(false);
    expect(partial.suits({ ...run, budget: { fullResyncs: 0 } })).toBe(true);
  });
  it('is violated by one full resync more than is allowed, with the counter as witness', () => {
    const finding = check(1, counting({ syncFull: 3, syncPartialErr: 2 }));
    expect(finding).toMatchObject({ outcome: 'violated', because: '2 full resyncs and 0 partial ones, where 1 full ones are allowed' });
    expect(finding.outcome === 'violated' && finding.witnesses).toHaveLength(1);
  });
  it('counts a process that was started during the run from zero', () => {
    expect(check(0, counting({ runId: 'another', syncFull: 1 })).outcome).toBe('violated');
    expect(check(0, counting({ runId: 'another', syncFull: 0 })).outcome).toBe('held');
  });
  it('holds with partial resyncs, and counts them', () =>
    expect(check(0, counting({ syncPartialOk: 2 }))).toMatchObject({
      outcome: 'held',
      because: '0 full resyncs, 0 are allowed, and 2 partial ones',
    }));
  it('is unknown when a node was silent in the end', () =>
    expect(check(0, (_answers, node, atMs) => (node === 'node-2' && atMs > startsAtMs.verify ? false : undefined)).outcome).toBe(
      'unknown',
    ));
});
