import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/gap-bounded.ts';
import { seen } from '../consistency/seen.ts';
import { run } from '../recorded.ts';
import { film, type Timed } from './recorded.ts';

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
  it('is asked where the experiment sets a limit', () => {
    expect(bounded.suits(run)).toBe(false);
    expect(bounded.suits({ ...run, budget: { gapMs: 1 } })).toBe(true);
  });
  it('holds where every shard that is written to takes writes all the time', () => {
    expect(asked(`${writing('bar', 3_000, 4_500)}\n${writing('k')}`)).toMatchObject({ outcome: 'held' });
  });
  it('names the shards that took none for too long, and says for how long', () => {
    expect(asked(`${writing('bar')}\n${writing('k', 3_000, 6_000)}`)).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^node-2's slots took no write for 3\.\d+ s, where/),
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
      because: expect.stringMatching(/^node-2's slots took no write for 3\.\d+ s, .*the harness itself stood still for 1\.[67]\d* s of it/),
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
  it('is unknown without a history, without a limit and where nothing was ever acknowledged', () => {
    expect(bounded.check(film({ info: { budget: { gapMs: 1 } } }), null)).toMatchObject({ outcome: 'unknown' });
    expect(asked(writing('bar'), {})).toMatchObject({ outcome: 'unknown' });
    expect(asked('300-800 c1 node-2 add k 900 unknown:timeout')).toMatchObject({ outcome: 'unknown' });
  });
});
