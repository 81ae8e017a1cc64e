import { describe, expect, it } from 'vitest';
import { linked } from '../src/outage.ts';
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
