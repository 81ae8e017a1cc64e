import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/gap-bounded.ts';
import { seen } from '../consistency/seen.ts';
import { idOf, run } from '../recorded.ts';
import { film, line, type Timed } from './recorded.ts';

/** One write of a key each 100 ms, but not between two moments. 'bar' belongs to node-1, 'k' to node-2. */
const writing = (key: string, fromMs = 0, toMs = 0): string =>
  Array.from({ length: 98 }, (_, index) => 210 + index * 100)
    .filter((atMs) => atMs < fromMs || atMs >= toMs)
    .map((atMs, index) => `${atMs}-${atMs + 1} c1 node-1 add ${key} ${index + (key === 'k' ? 500 : 0)}`)
    .join('\n');
const asked = (history: string, budget: object = { gapMs: 2_000 }, extra: readonly Timed[] = []) => {
  const timeline = film({ info: { budget }, extra });
  return bounded.check(timeline, seen(history, timeline));
};

describe('gap-bounded', () => {
  it('is asked wherever clients write', () => {
    expect(bounded.suits(run)).toBe(true);
    expect(bounded.suits({ ...run, workload: { ...run.workload, readShare: 1 } })).toBe(false);
  });
  it('allows what a failover may take where the experiment sets no limit, and says how it went', () => {
    expect(asked(`${writing('bar', 1_000, 6_900)}\n${writing('k')}`, {})).toMatchObject({ outcome: 'held' });
    expect(asked(`${writing('bar', 1_000, 7_900)}\n${writing('k')}`, {})).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^node-1's slots took no write for 7\.\d+ s \(from .* on\), where 6\.25 s are allowed$/),
    });
    const timeline = film({
      change: (answers, node, atMs) => {
        if (node === 'node-2' && atMs > 3_000) line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
        if (node === 'node-4' && atMs > 4_000)
          line(answers, idOf('node-4'), { flags: ['myself', 'master'], slots: [[0, 5460]], primary: null });
      },
    });
    const history = `${writing('bar', 1_000, 7_900)}\n${writing('k')}`;
    expect(bounded.check(timeline, seen(history, timeline)).because).toContain('; node-4 took over after 3.1');
    const unreplaced = film({
      change: (answers, node, atMs) => {
        if (node === 'node-2' && atMs > 3_000) line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
      },
    });
    expect(bounded.check(unreplaced, seen(history, unreplaced)).because).toContain(
      '; node-1 was marked failed after 2.10 s, and nobody took over',
    );
  });
  it('holds where every shard that is written to takes writes all the time', () => {
    expect(asked(`${writing('bar', 3_000, 4_500)}\n${writing('k')}`)).toMatchObject({ outcome: 'held' });
  });
  it('names the shards that took none for too long, and says for how long', () => {
    expect(asked(`${writing('bar')}\n${writing('k', 3_000, 6_000)}`)).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^node-2's slots took no write for 3\.\d+ s \(from 2\.\d+ s on\), where/),
    });
  });
  it('counts a silence that lasts to the end, and one shard that never answered beside others that did', () => {
    expect(asked(writing('bar', 6_000, 20_000))).toMatchObject({ outcome: 'violated' });
    expect(asked(`${writing('bar')}\n300-800 c1 node-2 add k 900 unknown:timeout`)).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining("node-2's slots never took a write"),
    });
  });
  it('is unknown where the gap would have been short enough had the harness not stood still in it', () => {
    const history = `${writing('bar')}\n${writing('k', 3_000, 6_000)}`;
    const stalled = (atMs: number, forMs: number): Timed => ({ atMs, type: 'harness-stalled', forMs });
    expect(asked(history, { gapMs: 2_000 }, [stalled(4_000, 700), stalled(6_500, 1_500)])).toMatchObject({
      outcome: 'unknown',
      because: expect.stringMatching(/^node-2's slots took no write for 3\.\d+ s .*the harness itself stood still for 1\.[67]\d* s of it/),
    });
    // Not enough of it, elsewhere, or not in every shard's gap.
    expect(asked(history, { gapMs: 2_000 }, [stalled(4_000, 700)])).toMatchObject({ outcome: 'violated' });
    expect(asked(history, { gapMs: 2_000 }, [stalled(2_500, 2_000)])).toMatchObject({ outcome: 'violated' });
    expect(
      asked(`${writing('bar', 6_000, 9_000)}\n${writing('k', 3_000, 6_000)}`, { gapMs: 2_000 }, [stalled(5_000, 1_500)]),
    ).toMatchObject({
      outcome: 'violated',
    });
    expect(
      asked(`${writing('bar')}\n300-800 c1 node-2 add k 900 unknown:timeout`, { gapMs: 2_000 }, [stalled(9_900, 9_800)]),
    ).toMatchObject({
      outcome: 'violated',
    });
  });
  it('is unknown without a history and where nothing was ever acknowledged', () => {
    expect(bounded.check(film({ info: { budget: { gapMs: 1 } } }), null)).toMatchObject({ outcome: 'unknown' });
    expect(asked('300-800 c1 node-2 add k 900 unknown:timeout')).toMatchObject({ outcome: 'unknown' });
  });
});
