import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seen, soundHistory } from '../consistency/seen.ts';
import { allInvariants } from '../../src/invariants.ts';
import type { RunInfo } from '../../src/timeline.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { recorded, run } from '../recorded.ts';
import { planted, timelineOf } from './planted.ts';
import { suitable } from './recorded.ts';

const invariants = await allInvariants();

describe('every invariant', () => {
  it('has a planted defect, one that has tests of its own too', () => {
    expect(Object.keys(planted).toSorted()).toEqual(invariants.map(({ name }) => name).toSorted());
  });
  it('is seen to hold below, or where it needs a limit in a file of its own', () => {
    const own = readdirSync(import.meta.dirname);
    const limited = invariants.filter((invariant) => !suitable(invariant)).map(({ name }) => `${name}.test.ts`);
    expect(limited.filter((file) => !own.includes(file))).toEqual([]);
  });

  for (const invariant of invariants) {
    for (const [index, defect] of (planted[invariant.name] ?? []).entries()) {
      it(`${invariant.name} finds planted defect ${index + 1} and names its witnesses`, () => {
        const timeline = timelineOf(defect);
        expect(invariant.check(timeline, seen(defect.history ?? soundHistory, timeline))).toMatchObject({
          outcome: 'violated',
          witnesses: expect.arrayContaining([expect.any(Number)]),
        });
      });
    }
    it(`${invariant.name} is unknown on a record that saw nothing`, () => {
      expect(invariant.check(new Timeline(run, []), null)).toMatchObject({ outcome: 'unknown' });
    });
  }
  for (const invariant of invariants.filter(suitable)) {
    it(`${invariant.name} holds on a healthy record`, () => {
      const timeline = recorded({ info: suitable(invariant) as RunInfo });
      expect(invariant.check(timeline, seen(soundHistory, timeline))).toMatchObject({ outcome: 'held' });
    });
  }
});
