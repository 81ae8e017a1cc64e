import { describe, expect, it } from 'vitest';
import holds from '../../src/invariant/backlog-holds-writes.ts';
import { run } from '../recorded.ts';
import { type Answers, endedAt, film } from './recorded.ts';

const info = { budget: { backlogSeconds: 60 } };
/** Node-1 takes 100 kB a second, as offsets tell. */
const writing =
  (sizeBytes: (atMs: number) => number | undefined, bytesPerMs = 100) =>
  (answers: Answers, node: string, atMs: number): void => {
    const size = sizeBytes(atMs);
    answers.replication = {
      ...answers.replication,
      ...(node === 'node-1' ? { offset: 100 + bytesPerMs * atMs } : {}),
      ...(size === undefined ? {} : { backlogSizeBytes: size }),
    };
  };

describe('backlog-holds-writes', () => {
  it('is asked only where a budget says for how long', () => {
    expect(holds.suits(run)).toBe(false);
    expect(holds.suits({ ...run, ...info })).toBe(true);
  });
  it('holds where the backlog is large enough, and says for how long it is', () => {
    expect(holds.check(film({ info, change: writing(() => 10_000_000) }))).toMatchObject({
      outcome: 'held',
      because: expect.stringMatching(/^the backlog of node-1 holds 1 min 40 s of its writes/),
    });
  });
  it('is violated where it is too small, also for a moment', () => {
    expect(holds.check(film({ info, change: writing(() => 1_000_000) }))).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining('holds 10.0 s of its writes (1000000 bytes, 100000 a second), 1 min 0 s are asked for'),
    });
    expect(holds.check(film({ info, change: writing((atMs) => (atMs > 5_000 && atMs < 5_200 ? 1_000_000 : 10_000_000)) }))).toMatchObject({
      outcome: 'violated',
    });
  });
  it('judges each life of a primary by itself, since offsets begin anew', () => {
    const restarted = (answers: Answers, node: string, atMs: number): void => {
      writing(() => 1_000_000)(answers, node, atMs);
      const late = atMs > 5_000;
      // From first to last the offset falls.
      if (node === 'node-1')
        answers.replication = {
          ...answers.replication,
          runId: late ? 'second' : 'first',
          offset: late ? 100 * (atMs - 5_000) : 9_000_000 + atMs,
        };
    };
    expect(holds.check(film({ info, change: restarted }))).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining('holds 10.0 s'),
    });
  });
  it('holds where nobody writes', () => {
    expect(holds.check(film({ info, change: writing(() => 1_000_000, 0) }))).toMatchObject({
      outcome: 'held',
      because: 'nobody wrote anything',
    });
  });
  it('is unknown where the size was never told, or the run ended early', () => {
    expect(holds.check(film({ info, change: writing(() => undefined) }))).toMatchObject({ outcome: 'unknown' });
    expect(holds.check(endedAt(film({ info, change: writing(() => 10_000_000) }), 5_000))).toMatchObject({ outcome: 'unknown' });
  });
});
