import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/replication-lag-bounded.ts';
import type { Budget } from '../../src/timeline.ts';
import { lags } from '../../src/timeline/lag.ts';
import { type Answers, fault, film, startsAtMs, type Timed } from './recorded.ts';

type Change = (answers: Answers, node: string, atMs: number) => void | false;
const replication = (answers: Answers, changes: Partial<Answers['replication']>): void => {
  answers.replication = { ...answers.replication, ...changes };
};
/** Since 2 s the primary writes 1 MB a second, and node-4 gets nothing of it until 7 s. */
const behind =
  (during: Partial<Answers['replication']>, after: Partial<Answers['replication']> = {}): Change =>
  (answers, node, atMs) => {
    const offset = 100 + Math.max(0, atMs - 2_000) * 1_000;
    if (node === 'node-1') replication(answers, { offset });
    if (node === 'node-4' && atMs > 2_000 && atMs <= 7_000) replication(answers, during);
    if (node === 'node-4' && atMs > 7_000) replication(answers, { offset: offset - 1_000, ...after });
  };
const check = (change: Change, budget: Budget, extra: readonly Timed[] = []) => bounded.check(film({ change, info: { budget }, extra }));

describe('replication-lag-bounded', () => {
  it('is violated by a linked replica that is too many bytes behind', () => {
    const finding = check(behind({}), { lagBytes: 3_000_000 });
    expect(finding).toMatchObject({ outcome: 'violated', witnesses: [expect.any(Number)] });
    expect(finding.because).toMatch(/^node-4 was 4\d{6} bytes behind node-1, the limit is 3000000$/);
  });
  it('is violated by one whose link is down for too long while its primary writes, whatever offset it tells', () => {
    expect(check(behind({ link: 'down', offset: 1 }), { lagSeconds: 4 }).because).toMatch(/^node-4 was 5.00 s behind node-1/);
    expect(check(behind({ syncInProgress: true, offset: 1 }), { lagSeconds: 4 }).outcome).toBe('violated');
  });
  it('is violated by one that has nothing of the history of its primary', () =>
    expect(check(behind({ replid: 'another' }, { replid: 'another' }), { lagSeconds: 4 }).outcome).toBe('violated'));
  it('holds below the limits, and says how far it was', () =>
    expect(check(behind({}), { lagBytes: 6_000_000, lagSeconds: 6 })).toMatchObject({
      outcome: 'held',
      because: expect.stringMatching(/^the greatest lag was 4\d{6} bytes, the longest 5.00 s$/),
    }));
  it('holds where the link is down and the primary writes nothing', () => {
    const quiet: Change = (answers, node, atMs) => {
      if (node === 'node-4' && atMs > 1_500) replication(answers, { link: 'down', offset: 1 });
    };
    expect(check(quiet, { lagSeconds: 1 }).outcome).toBe('held');
  });
  it('excuses a fault at either end, but not where the experiment has a limit of its own', () => {
    const forLong: Change = (answers, node, atMs) => {
      if (node === 'node-1') replication(answers, { offset: 100 + atMs * 1_000_000 });
    };
    for (const node of ['node-1', 'node-4']) {
      const extra = fault(node, 'isolated', 200, 9_000);
      expect(check(forLong, {}, extra).outcome).toBe('held');
      expect(check(forLong, { lagBytes: 50_000_000 }, extra).outcome).toBe('violated');
    }
    expect(check(forLong, {}, fault('node-2', 'isolated', 200, 9_000)).outcome).toBe('violated');
  });
  it('leaves a link that is down to others, where the experiment has no limit of its own', () => {
    const change: Change = (answers, node, atMs) => {
      if (node === 'node-1') replication(answers, { offset: 100 + atMs * 1_000_000 });
      if (node === 'node-4') replication(answers, { link: 'down' });
    };
    expect(check(change, {}).outcome).toBe('held');
    expect(check(change, { lagSeconds: 5 }).outcome).toBe('violated');
  });
  it('knows nothing of the lag while the primary is silent', () => {
    const gone: Change = (answers, node, atMs) => {
      if (node === 'node-1' && atMs > 4_000 && atMs < startsAtMs.settle) return false;
      return behind({})(answers, node, atMs);
    };
    expect(Math.max(...lags(film({ change: gone })).map(({ bytes }) => bytes))).toBeLessThan(2_100_000);
  });
  it('is unknown when a node was silent in the end', () => {
    const silent: Change = (_answers, node, atMs) => (node === 'node-5' && atMs > startsAtMs.verify ? false : undefined);
    expect(check(silent, {}).outcome).toBe('unknown');
  });
});
