import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/invariant.ts';
import readable from '../../src/invariant/keys-can-be-read.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { seen, soundHistory } from '../consistency/seen.ts';
import { recorded, run } from '../recorded.ts';

/** What is said of this history where so many keys need not answer. */
function asked(history: string, unreadableKeys = 0): Finding {
  const timeline = recorded({ info: { budget: { unreadableKeys } } });
  return readable.check(timeline, seen(history, timeline));
}
const silent = soundHistory.replace('final node-1 members s 7\n', '');

describe('keys-can-be-read', () => {
  it('holds where a primary answered for every key, or as many as are wanted', () => {
    expect(asked(soundHistory)).toMatchObject({ outcome: 'held' });
    expect(asked(silent, 1)).toMatchObject({ outcome: 'held' });
  });
  it('is violated by a key for which none does', () => {
    const finding = asked(silent);
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining('1 of') });
    expect(finding.outcome === 'violated' && finding.witnesses.length).toBe(1);
  });
  it('is unknown where nothing was read back, and asked only where an experiment sets a limit', () => {
    expect(readable.check(new Timeline(run, []), null)).toMatchObject({ outcome: 'unknown' });
    expect(readable.check(new Timeline(run, []), seen(soundHistory, recorded()))).toMatchObject({ outcome: 'unknown' });
    expect(readable.suits?.(run)).toBe(false);
    expect(readable.suits?.({ ...run, budget: { unreadableKeys: 0 } })).toBe(true);
  });
});
