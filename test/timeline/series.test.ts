import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Series } from '../../src/timeline/series.ts';

const moment = fc.integer({ min: 0, max: 20 });

describe('a series of events', () => {
  for (const [name, times] of Object.entries({
    'in the order of their times': fc.array(moment).map((all) => all.toSorted((a, b) => a - b)),
    'in any order': fc.array(moment),
  })) {
    it(`finds by time what stands ${name}`, () =>
      fc.assert(
        fc.property(times, moment, moment, (all, fromMs, toMs) => {
          const events = all.map((atMs, seq) => ({ seq, atMs }));
          const series = new Series<(typeof events)[number]>();
          for (const event of events) series.add(event);
          const wanted = events.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
          expect(series.between(fromMs, toMs)).toEqual(wanted);
          expect(series.lastIn(fromMs, toMs)).toBe(wanted.at(-1));
          expect(series.firstFrom(fromMs)).toBe(events.find(({ atMs }) => atMs >= fromMs));
        }),
        { numRuns: 500 },
      ));
  }
});
