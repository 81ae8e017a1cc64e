import { describe, expect, it } from 'vitest';
import below from '../../src/invariant/memory-below-limit.ts';
import type { Budget } from '../../src/timeline.ts';
import { run } from '../recorded.ts';
import { type Answers, film, startsAtMs } from './recorded.ts';

const mebi = 2 ** 20;
const check = (changes: Partial<Answers['memory']>, budget: Budget = {}, memoryBytes?: number) =>
  below.check(
    film({
      change: (answers, node, atMs) => {
        if (node === 'node-3' && atMs > 3_000 && atMs < 3_500) answers.memory = { ...answers.memory, ...changes };
      },
      info: { budget, ...(memoryBytes ? { nodes: run.nodes.map((node) => ({ ...node, memoryBytes })) } : {}) },
    }),
  );

describe('memory-below-limit', () => {
  it('is violated when more than 80 % of maxmemory is used for a moment', () =>
    expect(check({ limitBytes: 10 * mebi, usedBytes: 9 * mebi })).toMatchObject({
      outcome: 'violated',
      because: 'node-3 used 9.0 MB of the 10.0 MB of maxmemory, more than 80 %',
      witnesses: [expect.any(Number)],
    }));
  it('is violated when more than that of the container is resident', () =>
    expect(check({ rssBytes: 60 * mebi }, {}, 64 * mebi).because).toBe(
      'node-3 used 60.0 MB of the 64.0 MB of its container, more than 80 %',
    ));
  it('goes by the limit of the experiment', () => {
    expect(check({ rssBytes: 60 * mebi }, { memoryPercent: 95 }, 64 * mebi).outcome).toBe('held');
    expect(check({ limitBytes: 10 * mebi, usedBytes: 5 * mebi }, { memoryPercent: 40 }).outcome).toBe('violated');
  });
  it('holds where nothing limits a node', () =>
    expect(check({ usedBytes: 2 ** 40, rssBytes: 2 ** 40 })).toMatchObject({ outcome: 'held', because: 'no node has a limit' }));
  it('is unknown when a node was silent in the end', () => {
    const silent = film({ change: (_answers, node, atMs) => (node === 'node-3' && atMs > startsAtMs.verify ? false : undefined) });
    expect(below.check(silent).outcome).toBe('unknown');
  });
});
