import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seen, soundHistory } from '../consistency/seen.ts';
import { allInvariants } from '../../src/invariants.ts';
import type { RunInfo, TimelineEvent } from '../../src/timeline.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { recorded, run } from '../recorded.ts';
import { planted, timelineOf } from './planted.ts';
import { suitable } from './recorded.ts';

const invariants = await allInvariants();

/** The same record, but for a node that answers nothing any more from the verify phase on. */
function silenced(whole: Timeline, node: string): Timeline {
  const fromMs = whole.phaseAtMs('verify') ?? Number.POSITIVE_INFINITY;
  const events = whole.events.map((event): TimelineEvent => {
    const { seq, atMs } = event;
    if (event.type !== 'observed' || event.node !== node || atMs < fromMs) return event;
    return { seq, atMs, type: 'probe-failed', node, probe: event.probe, because: 'Command timed out' };
  });
  return new Timeline(whole.run, events);
}

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
    it(`${invariant.name} finds them also where a node answers nothing in the end that has nothing to do with it`, () => {
      for (const defect of planted[invariant.name] ?? []) {
        const whole = timelineOf(defect);
        const history = seen(defect.history ?? soundHistory, whole);
        const found = invariant.check(whole, history);
        const witnesses = found.outcome === 'violated' ? found.witnesses.map((seq) => whole.events[seq]) : [];
        const involved = witnesses.flatMap((event) => (event && 'node' in event ? [event.node] : []));
        for (const { name } of run.nodes.filter((node) => !involved.includes(node.name)))
          expect(invariant.check(silenced(whole, name), history).outcome, name).toBe('violated');
      }
    });
    it(`${invariant.name} is unknown on a record that saw nothing`, () => {
      expect(invariant.check(new Timeline(run, []), null)).toMatchObject({ outcome: 'unknown' });
    });
  }
  for (const invariant of invariants.filter(suitable)) {
    it(`${invariant.name} holds on a healthy record`, () => {
      const timeline = recorded({ info: suitable(invariant) as RunInfo });
      expect(invariant.check(timeline, seen(soundHistory, timeline))).toMatchObject({ outcome: 'held' });
    });
    it(`${invariant.name} accuses nobody for a node that answers nothing in the end`, () => {
      const timeline = recorded({ info: suitable(invariant) as RunInfo });
      for (const { name } of run.nodes)
        expect(invariant.check(silenced(timeline, name), seen(soundHistory, timeline)).outcome, name).not.toBe('violated');
    });
  }
});
