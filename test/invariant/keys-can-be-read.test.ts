import { describe, expect, it } from 'vitest';
import readable from '../../src/invariant/keys-can-be-read.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { recorded, run } from '../recorded.ts';

const unreadable = (count: number, allowed = 0): Timeline => {
  const whole = recorded({ info: { budget: { unreadableKeys: allowed } } });
  return new Timeline(
    whole.run,
    whole.events.map((event) => (event.type === 'read-back' ? { ...event, unreadable: count } : event)),
  );
};

describe('keys-can-be-read', () => {
  it('holds where every key was answered for, or as many as are wanted', () => {
    expect(readable.check(unreadable(0))).toMatchObject({ outcome: 'held' });
    expect(readable.check(unreadable(3, 3))).toMatchObject({ outcome: 'held' });
  });
  it('is violated by a key for which no node answers', () => {
    const finding = readable.check(unreadable(1));
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining('1 of 60 keys') });
    expect(finding.outcome === 'violated' && finding.witnesses.length).toBe(1);
  });
  it('is unknown where nothing was read back, and asked only where an experiment sets a limit', () => {
    expect(readable.check(new Timeline(run, []))).toMatchObject({ outcome: 'unknown' });
    expect(readable.suits?.(run)).toBe(false);
    expect(readable.suits?.({ ...run, budget: { unreadableKeys: 0 } })).toBe(true);
  });
});
