import { describe, expect, it } from 'vitest';
import serve from '../../src/invariant/other-shards-serve.ts';
import { seen } from '../consistency/seen.ts';
import { run } from '../recorded.ts';
import { fault, film, type Timed } from './recorded.ts';

/** One write of a key each 100 ms, but not between two moments. 'bar' belongs to node-1, 'k' to node-2. */
const writing = (key: string, fromMs = 0, toMs = 0): string =>
  Array.from({ length: 98 }, (_, index) => 210 + index * 100)
    .filter((atMs) => atMs < fromMs || atMs >= toMs)
    .map((atMs, index) => `${atMs}-${atMs + 1} c1 node-1 add ${key} ${index + (key === 'k' ? 500 : 0)}`)
    .join('\n');
const asked = (history: string, extra: readonly Timed[], budget: object = { otherShardsGapMs: 2_000 }) => {
  const timeline = film({ info: { budget }, extra });
  return serve.check(timeline, seen(history, timeline));
};
const firstIsHurt = fault('node-1', 'crashed', 2_000, 8_000);

describe('other-shards-serve', () => {
  it('is asked where the experiment sets a limit', () => {
    expect(serve.suits(run)).toBe(false);
    expect(serve.suits({ ...run, budget: { otherShardsGapMs: 1 } })).toBe(true);
  });
  it('holds where only the shard that was hurt stands still, by its primary or by its replica', () => {
    const history = `${writing('bar', 2_000, 8_000)}\n${writing('k')}`;
    expect(asked(history, firstIsHurt)).toMatchObject({ outcome: 'held' });
    expect(asked(history, fault('node-4', 'isolated', 2_000, 8_000))).toMatchObject({ outcome: 'held' });
  });
  it('is violated where another shard stands still as well', () => {
    expect(asked(`${writing('bar', 2_000, 8_000)}\n${writing('k', 4_000, 8_000)}`, firstIsHurt)).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/node-2's slots 4\.\d+ s, .*hurt: node-1/),
    });
  });
  it('is unknown where it was the harness that stood still', () => {
    const history = `${writing('bar', 2_000, 8_000)}\n${writing('k', 4_000, 8_000)}`;
    expect(asked(history, [...firstIsHurt, { atMs: 7_000, type: 'harness-stalled', forMs: 2_500 }])).toMatchObject({ outcome: 'unknown' });
    expect(asked(history, [...firstIsHurt, { atMs: 7_000, type: 'harness-stalled', forMs: 300 }])).toMatchObject({ outcome: 'violated' });
  });
  it('is unknown where no fault hurt anybody, without a limit, and where nobody writes to the others', () => {
    expect(asked(writing('k'), [])).toMatchObject({ outcome: 'unknown' });
    expect(asked(writing('k'), fault('node-1', null, 2_000, 8_000))).toMatchObject({ outcome: 'unknown' });
    expect(asked(writing('k'), firstIsHurt, {})).toMatchObject({ outcome: 'unknown' });
    expect(asked(writing('bar'), firstIsHurt)).toMatchObject({ outcome: 'unknown' });
    expect(serve.check(film({ info: { budget: { otherShardsGapMs: 1 } } }), null)).toMatchObject({ outcome: 'unknown' });
  });
});
