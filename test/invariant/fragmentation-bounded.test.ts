import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/fragmentation-bounded.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import type { MemoryInfo } from '../../src/timeline/observation.ts';
import { recorded, run } from '../recorded.ts';

const large: Partial<MemoryInfo> = { usedBytes: 60_000_000, rssBytes: 70_000_000, fragmentation: 1.2, allocatorFragmentation: 1.1 };
/** What node-1 says of its memory in the end, and the limit of the experiment. */
const told = (memory: Partial<MemoryInfo>, fragmentation?: number): Timeline =>
  recorded({
    info: { budget: fragmentation === undefined ? {} : { fragmentation } },
    change: (answers, node) => {
      if (node === 'node-1') answers.memory = { ...answers.memory, ...memory };
    },
  });

describe('fragmentation-bounded', () => {
  it('holds on a large node without holes, and asks no small one', () => {
    expect(bounded.check(told(large))).toMatchObject({ outcome: 'held', because: expect.stringContaining('ratio 1.10') });
    expect(bounded.check(told({ fragmentation: 9, allocatorFragmentation: 9 }))).toMatchObject({ outcome: 'held' });
  });
  it('is violated by a large node that is full of holes', () => {
    const finding = bounded.check(told({ ...large, fragmentation: 2.6, allocatorFragmentation: 2.3 }));
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining('node-1') });
    expect(finding.outcome === 'violated' && finding.witnesses.length).toBe(1);
  });
  it('takes pages that wait to be given back for holes only where the experiment means the ratio of operators', () => {
    const waiting = { ...large, fragmentation: 2.6, allocatorFragmentation: 1.01 };
    expect(bounded.check(told(waiting))).toMatchObject({ outcome: 'held' });
    expect(bounded.check(told(waiting, 1.5))).toMatchObject({ outcome: 'violated' });
    expect(bounded.check(told({ ...waiting, allocatorFragmentation: null }))).toMatchObject({ outcome: 'violated' });
  });
  it('is unknown where no node is large enough for a limit, or one is silent', () => {
    expect(bounded.check(told({}, 1.5))).toMatchObject({ outcome: 'unknown' });
    expect(bounded.check(new Timeline(run, []))).toMatchObject({ outcome: 'unknown' });
  });
});
