import { describe, expect, it } from 'vitest';
import refuses from '../../src/invariant/cut-off-primary-refuses.ts';
import type { Exposure } from '../../src/timeline.ts';
import { run } from '../recorded.ts';
import { fault, film } from './recorded.ts';

/** A node is cut off from 2 s to 8 s and says fail from a moment on, until it is healed. */
const cut = (node: string, failsAtMs: number, { how = 'isolated' as Exposure['how'], healedAtMs = 8_000, limitMs = 3_000 } = {}) =>
  refuses.check(
    film({
      info: { budget: { aloneMs: limitMs } },
      extra: fault(node, how, 2_000, healedAtMs),
      change: (answers, who, atMs) => {
        if (who === node && atMs >= failsAtMs && atMs < healedAtMs) answers['cluster-info'] = { ...answers['cluster-info'], state: 'fail' };
      },
    }),
  );

describe('cut-off-primary-refuses', () => {
  it('is asked where the experiment sets a limit', () => {
    expect(refuses.suits(run)).toBe(false);
    expect(refuses.suits({ ...run, budget: { aloneMs: 1 } })).toBe(true);
  });
  it('holds where the primary refuses in time, also when it is healed soon after', () => {
    expect(cut('node-1', 4_500)).toMatchObject({ outcome: 'held', because: expect.stringMatching(/node-1 refused after 2\.\d+ s/) });
    expect(cut('node-1', 4_500, { healedAtMs: 4_900 })).toMatchObject({ outcome: 'held' });
  });
  it('is violated where it says ok for longer, or all along', () => {
    for (const failsAtMs of [6_000, 20_000])
      expect(cut('node-1', failsAtMs)).toMatchObject({ outcome: 'violated', because: expect.stringContaining('node-1 still said ok 3.') });
    expect(cut('node-1', 6_000)).toMatchObject({ witnesses: [expect.any(Number)] });
  });
  it('asks no replica, no node that is only frozen, and nobody who was healed before the time was over', () => {
    expect(cut('node-4', 20_000)).toMatchObject({ outcome: 'unknown' });
    expect(cut('node-1', 20_000, { how: 'frozen' })).toMatchObject({ outcome: 'unknown' });
    expect(cut('node-1', 20_000, { healedAtMs: 4_000 })).toMatchObject({ outcome: 'unknown' });
  });
  it('is unknown without a limit', () => {
    expect(refuses.check(film())).toMatchObject({ outcome: 'unknown' });
  });
});
