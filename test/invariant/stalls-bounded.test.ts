import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/stalls-bounded.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import type { TimelineEvent } from '../../src/timeline.ts';
import { run } from '../recorded.ts';
import { type Answers, endedAt, film, type Timed } from './recorded.ts';

const info = { budget: { stallMs: 1_000 } };
const silentFrom =
  (fromMs: number, toMs: number) =>
  (_: Answers, node: string, atMs: number): false | undefined =>
    node === 'node-1' && atMs >= fromMs && atMs < toMs ? false : undefined;

describe('stalls-bounded', () => {
  it('is asked only where a budget says how long', () => {
    expect(bounded.suits(run)).toBe(false);
    expect(bounded.suits({ ...run, ...info })).toBe(true);
  });
  it('holds where all answer all the time', () => {
    expect(bounded.check(film({ info }))).toMatchObject({ outcome: 'held', because: expect.stringContaining('for 100 ms') });
  });
  it('holds where the silence is short', () => {
    expect(bounded.check(film({ info, change: silentFrom(3_000, 3_800) }))).toMatchObject({ outcome: 'held' });
  });
  it('is violated by a long silence, with the answers around it as witnesses', () => {
    const timeline = film({ info, change: silentFrom(3_000, 5_000) });
    const finding = bounded.check(timeline);
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringMatching(/^node-1 gave no answer for 2\.1/) });
    const seen = finding.outcome === 'violated' ? finding.witnesses.map((seq) => timeline.events[seq]) : [];
    expect(seen.map((event) => event?.type === 'observed' && event.probe)).toEqual(['ping', 'ping']);
  });
  it('is violated by a silence that has not ended', () => {
    expect(bounded.check(film({ info, change: silentFrom(8_000, 99_000) }))).toMatchObject({ outcome: 'violated' });
  });
  it('does not take the dead for silent', () => {
    const extra: Timed[] = [{ atMs: 3_000, type: 'container-exited', node: 'node-1', exitCode: 137, expected: true }];
    expect(bounded.check(film({ info, change: silentFrom(3_000, 5_000), extra }))).toMatchObject({ outcome: 'held' });
  });
  it('takes a refusal of the engine for an answer', () => {
    const timeline = film({ info, change: silentFrom(3_000, 5_000) });
    const busy = timeline.events.map((event) =>
      event.type === 'probe-failed' ? ({ ...event, because: 'BUSY Redis is busy running a script.' } as TimelineEvent) : event,
    );
    expect(bounded.check(new Timeline(timeline.run, busy))).toMatchObject({ outcome: 'held' });
  });
  it('is unknown where a node never answered, or the run ended early', () => {
    expect(bounded.check(film({ info, change: (_, node) => (node === 'node-1' ? false : undefined) }))).toMatchObject({
      outcome: 'unknown',
    });
    expect(bounded.check(endedAt(film({ info }), 8_000))).toMatchObject({ outcome: 'unknown' });
  });
});
