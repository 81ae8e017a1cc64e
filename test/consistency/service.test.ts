import { describe, expect, it } from 'vitest';
import { frameOf, type Service, serviceCheck, type ServiceFrame } from '../../src/consistency/service.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { fault, film } from '../invariant/recorded.ts';
import { checked, made } from './made.ts';

// Slot 7629 of k belongs to the second shard, 15495 of a to the third; nobody uses the first.
const frame: ServiceFrame = {
  fromMs: 0,
  toMs: 10_000,
  faults: [],
  shards: [
    { name: 'node-1', slots: [[0, 5460]] },
    { name: 'node-2', slots: [[5461, 10_922]] },
    { name: 'node-3', slots: [[10_923, 16_383]] },
  ],
  phases: [],
};
const of = (history: string | readonly Operation[], changes: Partial<ServiceFrame> = {}): Service =>
  checked(history, () => serviceCheck({ ...frame, ...changes }));

describe('the service', () => {
  it('counts outcomes and reasons, the most frequent first', () => {
    const service = of(`
      1-2 c1 n1 set k 1
      3-4 c1 n1 set k 2 failed:moved
      5-6 c1 n1 set k 3 failed:clusterdown
      7-8 c1 n1 set k 4 failed:clusterdown
      9-99 c1 n1 set k 5 unknown:timeout
      9-99 c2 n1 set k 6 unknown:never-answered
      9-99 c2 n1 set k 7 unknown:clusterdown
      final n1 get k failed:moved
    `);
    expect(service.operations).toEqual({ ok: 1, failed: 3, unknown: 3 });
    expect(Object.entries(service.reasons)).toEqual([
      ['clusterdown', { failed: 2, unknown: 1 }],
      ['moved', { failed: 1, unknown: 0 }],
      ['timeout', { failed: 0, unknown: 1 }],
      ['never-answered', { failed: 0, unknown: 1 }],
    ]);
    expect(service.neverAnswered).toBe(1);
  });

  it('tells the time from a fault to the first error, and from the heal to the last', () => {
    const faults = [
      { beginsAtMs: 4_900, injectedAtMs: 5_000, healedAtMs: null },
      { beginsAtMs: 995, injectedAtMs: 1_000, healedAtMs: 2_000 },
    ];
    expect(
      of(
        `
        900-990   c1 n1 set k 1 failed:moved     // before any fault
        950-1300  c1 n1 set k 2 unknown:timeout
        1900-2400 c1 n1 set k 3 unknown:timeout
        2500-2600 c1 n1 set k 4
        6000-6100 c1 n1 set k 5 failed:moved
      `,
        { faults },
      ).faults,
    ).toEqual([
      { toFirstErrorMs: 300, fromHealToLastErrorMs: 400 },
      { toFirstErrorMs: 1_100, fromHealToLastErrorMs: null },
    ]);
    expect(of('1500-1600 c1 n1 set k 1', { faults }).faults[0]).toEqual({ toFirstErrorMs: null, fromHealToLastErrorMs: null });
    expect(of('900-998 c1 n1 set k 1 unknown:reset', { faults }).faults[0]).toMatchObject({ toFirstErrorMs: 0 });
  });

  it('finds the longest stall of all, of each shard and of each client', () => {
    const service = of(`
      100-500   c1 n1 set k 1
      600-4000  c1 n1 get k 1
      700-2000  c2 n2 set a 2
      800-9000  c2 n2 set a 3 unknown:timeout
      9100-9500 c1 n1 set k 4
    `);
    expect(service.stall).toEqual({ ms: 5_500, fromMs: 4_000 });
    expect(service.shards).toEqual([
      { shard: 'node-1', stall: null, writeGapMs: null, writeGapFromMs: null, readGap: null },
      {
        shard: 'node-2',
        stall: { ms: 5_500, fromMs: 4_000 },
        writeGapMs: 9_000,
        writeGapFromMs: 500,
        readGap: { ms: 6_000, fromMs: 4_000 },
      },
      { shard: 'node-3', stall: { ms: 8_000, fromMs: 2_000 }, writeGapMs: 8_000, writeGapFromMs: 2_000, readGap: null },
    ]);
    expect(service.clients).toEqual([
      { client: 1, operations: { ok: 3, failed: 0, unknown: 0 }, stall: { ms: 5_500, fromMs: 4_000 } },
      { client: 2, operations: { ok: 1, failed: 0, unknown: 1 }, stall: { ms: 8_000, fromMs: 2_000 } },
    ]);
  });
  it('stalls all the time where nothing is ever done, though nothing was tried elsewhere', () => {
    const service = of('1-2 c1 n1 set k 1 failed:clusterdown');
    expect(service.stall).toEqual({ ms: 10_000, fromMs: 0 });
    expect(service.shards[1]).toEqual({
      shard: 'node-2',
      stall: { ms: 10_000, fromMs: 0 },
      writeGapMs: null,
      writeGapFromMs: null,
      readGap: null,
    });
    expect(of('').stall).toBeNull();
  });

  it('names clients that are stuck while others go on', () => {
    const service = of(`
      100-101   c1 n1 set k 1                      // goes on
      100-102   c2 n1 set k 2                      // stuck
      100-103   c3 n1 set k 3                      // has nothing to do
      100-104   c4 n1 set k 4                      // slow, but it gets there
      100-900   c5 n1 set k 5 unknown:timeout      // gave up long ago
      8500-9400 c4 n1 set k 6
      9000-9900 c1 n1 set k 7
      150-9950  c2 n1 set k 8 unknown:never-answered
      9940-9960 c1 n1 set k 9 failed:moved
    `);
    expect(service.stuck).toEqual([2]);
  });
  it('calls nobody stuck where nobody gets anything done', () =>
    expect(of('1-2 c1 n1 set k 1 failed:clusterdown\n1-3 c2 n1 set k 2 failed:clusterdown').stuck).toEqual([]));

  it('counts latency from the intended start: who had to wait is late', () => {
    // One operation a millisecond is due; the fourth takes 500 ms, and everything behind it waits.
    let freeAtMs = 0;
    const operations = Array.from({ length: 1000 }, (_, id): Operation => {
      const sentAtMs = Math.max(id, freeAtMs);
      freeAtMs = sentAtMs + (id === 3 ? 500 : 0.5);
      return { ...(made('0-1 c1 n1 set k 0')[0] as Operation), id, dueAtMs: id, sentAtMs, doneAtMs: freeAtMs };
    });
    const [all] = of(operations).latencies;
    expect(all?.phase).toBe('all');
    expect(all?.ok).toEqual(all?.all);
    // Without the waiting only one in a thousand would take longer than 0.5 ms.
    expect(all?.ok?.count).toBe(1000);
    expect(all?.ok?.maxMs).toBe(500);
    expect(Math.abs((all?.ok?.p50Ms ?? 0) - 250)).toBeLessThan(2);
    expect(Math.abs((all?.ok?.p90Ms ?? 0) - 450)).toBeLessThan(2);
    expect(of(operations).lateness?.maxMs).toBe(499);
  });

  it('tells latencies by the phase of the intended start, with and without what was given up', () => {
    const service = of(
      `
      10-20    c1 n1 set k 1
      990-1490 c1 n1 set k 2 unknown:timeout
      1000-1004 c1 n1 set k 3
    `,
      {
        phases: [
          { name: 'steady', fromMs: 0, toMs: 1_000 },
          { name: 'disturb', fromMs: 1_000, toMs: 2_000 },
          { name: 'settle', fromMs: 2_000, toMs: 3_000 },
        ],
      },
    );
    expect(service.latencies.map(({ phase, ok, all }) => [phase, ok?.maxMs ?? null, all?.maxMs ?? null])).toEqual([
      ['all', 10, 500],
      ['steady', 10, 500],
      ['disturb', 4, 4],
      ['settle', null, null],
    ]);
  });

  it('puts operations into bins of the run by the moment of their answer', () =>
    expect(
      of(`
        150-199 c1 n1 set k 1
        150-200 c1 n1 set k 2
        150-299.9 c2 n1 set k 3 failed:moved
        150-301 c2 n1 set k 4 unknown:timeout
      `).throughput,
    ).toEqual({ binMs: 100, ok: [0, 1, 1, 0], failed: [0, 0, 1, 0], unknown: [0, 0, 0, 1] }));
});

describe('frameOf', () => {
  it('takes load, faults, shards and phases from the record', () => {
    const read = frameOf(
      film({
        extra: [...fault('node-1', 'crashed', 1_000, 7_000), { atMs: 8_200, type: 'workload-stopped', ok: 1, failed: 0, unknown: 0 }],
      }),
    );
    expect(read).toMatchObject({
      fromMs: 200,
      toMs: 8_200,
      faults: [{ beginsAtMs: 1_000, injectedAtMs: 1_050, healedAtMs: 7_000 }],
      phases: [
        { name: 'steady', fromMs: 200, toMs: 1_000 },
        { name: 'disturb', fromMs: 1_000, toMs: 8_000 },
        { name: 'settle', fromMs: 8_000, toMs: 9_000 },
      ],
    });
    expect(read.shards.map(({ name }) => name)).toEqual(['node-1', 'node-2', 'node-3']);
  });
});
