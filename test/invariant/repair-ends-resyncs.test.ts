import { describe, expect, it } from 'vitest';
import repaired from '../../src/invariant/repair-ends-resyncs.ts';
import type { Timeline } from '../../src/timeline/timeline.ts';
import { run } from '../recorded.ts';
import { film, type Timed } from './recorded.ts';

const repair = (atMs: number, failed = false): Timed => ({
  atMs,
  type: 'commanded',
  node: 'node-1',
  command: 'CONFIG SET client-output-buffer-limit replica 8mb 2mb 60',
  answer: failed ? 'ERR no' : 'OK',
  failed,
});
/** A full resync a second begins from 2 s on, until `endsAtMs`; each process has counted `before` of them. */
const going = (endsAtMs: number, extra: readonly Timed[], before = 0): Timeline =>
  film({
    extra,
    info: { budget: { fullResyncsAfterRepair: 1 } },
    change: (answers, node, atMs) => {
      const syncFull = before + Math.max(0, Math.floor((Math.min(atMs, endsAtMs) - 1_000) / 1_000));
      if (node === 'node-1') answers.replication = { ...answers.replication, syncFull };
    },
  });

describe('repair-ends-resyncs', () => {
  it('is asked only where an experiment says how many may follow', () => {
    expect(repaired.suits(run)).toBe(false);
    expect(repaired.suits({ ...run, budget: { fullResyncsAfterRepair: 0 } })).toBe(true);
  });
  it('holds when the loop ends with the repair, however long it had lasted', () => {
    expect(repaired.check(going(5_500, [repair(5_000)], 7))).toMatchObject({ outcome: 'held' });
    expect(repaired.check(going(6_500, [repair(5_500)]))).toMatchObject({ outcome: 'held' });
  });
  it('is violated by a loop that goes on, with the command as a witness', () => {
    const timeline = going(9_500, [repair(5_000)]);
    const finding = repaired.check(timeline);
    expect(finding).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^5 full resyncs after CONFIG SET .*, 1 are allowed$/),
    });
    expect(finding.outcome === 'violated' && timeline.events[finding.witnesses[0] ?? -1]).toMatchObject({ type: 'commanded' });
  });
  it('goes by the last thing that was set', () =>
    expect(repaired.check(going(6_500, [repair(3_000), repair(6_600)]))).toMatchObject({ outcome: 'held' }));
  it('is unknown where nothing was set, or it was refused', () => {
    for (const extra of [[], [repair(5_000, true)]]) expect(repaired.check(going(5_000, extra))).toMatchObject({ outcome: 'unknown' });
  });
  it('is unknown when a node was silent in the end', () => {
    const silent = film({
      extra: [repair(5_000)],
      info: { budget: { fullResyncsAfterRepair: 1 } },
      change: (_answers, node, atMs) => (node === 'node-2' && atMs > 8_900 ? false : undefined),
    });
    expect(repaired.check(silent)).toMatchObject({ outcome: 'unknown' });
  });
});
