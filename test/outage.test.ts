import { describe, expect, it } from 'vitest';
import { linked, overrun } from '../src/outage.ts';
import { Timeline } from '../src/timeline/timeline.ts';
import { film } from './invariant/recorded.ts';

const answering = (changes: object) =>
  film({
    change: (answers, node, atMs) => {
      if (node === 'node-4' && atMs > 9_800) answers.replication = { ...answers.replication, ...changes };
    },
  });

describe('linked', () => {
  it('goes by the newest answer of the replica', () => {
    expect(linked(answering({}), 'node-4')).toBe(true);
    expect(linked(answering({ link: 'down' }), 'node-4')).toBe(false);
    expect(linked(answering({ syncInProgress: true }), 'node-4')).toBe(false);
  });
  it('does not go by what it said before a fault was last injected or healed', () => {
    const { run, events } = answering({});
    const healed = { seq: events.length, atMs: 60_000, type: 'fault-healed', fault: 1 } as const;
    expect(linked(new Timeline(run, [...events, healed]), 'node-4')).toBe(false);
  });
  it('is not said of a primary', () => expect(linked(film(), 'node-1')).toBe(false));
});

/** The primary writes so many bytes a second from its fifth second on. */
const writing = (bytesPerSecond: number) =>
  film({
    change: (answers, node, atMs) => {
      if (node !== 'node-1') return;
      answers.replication = { ...answers.replication, offset: 1_000_000 + Math.max(0, atMs - 5_000) * (bytesPerSecond / 1_000) };
    },
  });

describe('overrun', () => {
  it('is so when more was written since then than the backlog holds', () => {
    expect(overrun(writing(100_000), 'node-1', 262_144, 5_000)).toBe(true);
    expect(overrun(writing(50_000), 'node-1', 262_144, 5_000)).toBe(false);
  });
  it('does not count what was written before', () => expect(overrun(writing(100_000), 'node-1', 262_144, 8_000)).toBe(false));
  it('reckons with a backlog of one block more than its size', () => {
    expect(overrun(writing(55_000), 'node-1', 256_000, 5_000)).toBe(false);
    expect(overrun(writing(5_000), 'node-1', 16_384, 5_000)).toBe(false);
  });
  it('is not known before the primary was asked', () => expect(overrun(writing(1e9), 'node-1', 16_384, -1)).toBe(false));
});
