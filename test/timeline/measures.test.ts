import { describe, expect, it } from 'vitest';
import type { Operation } from '../../src/timeline/old-history.ts';
import { measure } from '../../src/timeline/measures.ts';
import { fault, film, line } from '../invariant/recorded.ts';
import { idOf } from '../recorded.ts';

const write = (slot: number, doneAtMs: number, outcome: Operation['outcome'] = 'ok'): Operation => ({
  client: 0,
  kind: 'write',
  key: 'k',
  slot,
  value: 'v',
  node: 'node-1',
  sentAtMs: doneAtMs - 1,
  doneAtMs,
  outcome,
  reason: null,
});
const crash = film({
  extra: [
    ...fault('node-1', 'crashed', 1_000, 7_000),
    { atMs: 3_700, type: 'log-line', node: 'node-3', loggedAtMs: 3_650, kind: 'fail', text: 'Marking node … as failing' },
    { atMs: 8_000, type: 'workload-stopped', ok: 0, failed: 0, unknown: 0 },
  ],
  change: (answers, node, atMs) => {
    if (atMs > 3_800 && node === 'node-2') line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
    if (atMs > 4_500 && node === 'node-4')
      line(answers, idOf('node-4'), { flags: ['myself', 'master'], slots: [[0, 5460]], primary: null });
  },
});
const named = (operations: readonly Operation[], timeline = crash) =>
  Object.fromEntries(measure(timeline, operations).map(({ name, measuredMs }) => [name, measuredMs]));

describe('measure', () => {
  it('takes detection from the first log or view, and failover from the first claim', () => {
    expect(named([])).toMatchObject({ detection: 2_600, failover: 3_463, rejoin: 400 });
  });
  it('gives each shard its longest stretch without an acknowledged write', () => {
    const steady = Array.from({ length: 78 }, (_, index) => 300 + index * 100);
    const operations = [
      ...steady.filter((atMs) => atMs < 1_000 || atMs > 5_000).map((atMs) => write(7, atMs)),
      write(7, 3_000, 'unknown'),
      ...steady.map((atMs) => write(6_000, atMs)),
    ];
    expect(named(operations)).toMatchObject({
      "write gap of node-1's slots": 4_200,
      "write gap of node-2's slots": 100,
      "write gap of node-3's slots": null,
    });
  });
  it('counts the silence before the first and after the last write', () => {
    expect(named([write(7, 5_000)])).toMatchObject({ "write gap of node-1's slots": 4_800 });
    expect(named([write(7, 3_000)])).toMatchObject({ "write gap of node-1's slots": 5_000 });
  });
  it('measures nothing that did not happen', () => expect(named([], film())).toMatchObject({ detection: null, failover: null }));
  it('stands a history of any length', () =>
    expect(named(Array.from({ length: 200_000 }, (_, index) => write(7, 200 + index / 30)))).toMatchObject({
      "write gap of node-1's slots": expect.any(Number),
    }));
});
