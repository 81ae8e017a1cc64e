import { describe, expect, it } from 'vitest';
import { type Measured, allMeasured, canRecord, figuresOf, presentMeasured, withRun } from '../src/measured.ts';
import { judged } from './report.story.ts';
import { film } from './invariant/recorded.ts';

const entry = (changes: Partial<Measured>): Measured => ({
  experiment: 'made-up',
  variant: 'cured',
  engine: 'redis:7.0',
  version: '7.0.15',
  digest: '0123456789ab',
  runs: 1,
  asExpected: 1,
  seed: 1,
  verdict: 'as-expected',
  because: 'all 20 invariants held',
  tookMs: 10_000,
  figures: {},
  clusterCheck: '',
  ...changes,
});

describe('what a catalogue measured', () => {
  it('counts runs of one variant on one engine, and tells the last', () => {
    const runs = [
      entry({ seed: 1 }),
      entry({ seed: 2, verdict: 'inconclusive', asExpected: 0 }),
      entry({ variant: 'wounded' }),
      entry({ seed: 3 }),
    ];
    expect(runs.reduce<Measured[]>(withRun, [])).toEqual([entry({ seed: 3, runs: 3, asExpected: 2 }), entry({ variant: 'wounded' })]);
  });
  it('begins anew when the experiment or the engine is another one', () => {
    const known = [entry({ runs: 7, asExpected: 6 })];
    for (const change of [{ digest: 'changed' }, { version: '7.0.16' }]) expect(withRun(known, entry(change))).toEqual([entry(change)]);
  });
  it('counts nothing that an earlier file of an experiment showed', () => {
    const [kept, told] = [allMeasured(), presentMeasured()];
    expect(told.length).toBeGreaterThan(0);
    expect(kept).toEqual(expect.arrayContaining(told));
    for (const [, all] of Map.groupBy(told, ({ experiment }) => experiment)) expect(new Set(all.map(({ digest }) => digest)).size).toBe(1);
  });
  it('can be recorded only where the source of the experiment is', () => {
    expect(canRecord(['killed-primary'])).toBe(true);
    expect(canRecord(['killed-primary', 'made-up'])).toBe(false);
  });
  it('keeps the figures that there are', async () => {
    const { judgement, consistency } = await judged(film());
    expect(figuresOf(judgement, consistency)).toMatchObject({ healthyAfterMs: 400, lostWrites: 0 });
    expect(figuresOf(judgement, consistency)).not.toHaveProperty('failoverMs');
  });
});
