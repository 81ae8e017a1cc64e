import { describe, expect, it } from 'vitest';
import lost from '../../src/invariant/no-acknowledged-write-lost.ts';
import { seen, soundHistory } from '../consistency/seen.ts';
import { film } from './recorded.ts';

/** A write is gone, and node-1 has thrown out keys: 10 by 4 s, 15 by 6 s, and 5 more after its process began anew. */
const asked = (evictedKeys?: number) => {
  const timeline = film({
    info: {
      settings: { 'cluster-node-timeout': '2000', 'maxmemory-policy': 'allkeys-lru' },
      budget: evictedKeys === undefined ? {} : { evictedKeys },
    },
    change: (answers, node, atMs) => {
      if (node === 'node-1')
        answers.memory = { ...answers.memory, evictedKeys: atMs > 8_000 ? 5 : atMs > 6_000 ? 15 : atMs > 4_000 ? 10 : 0 };
    },
  });
  return lost.check(timeline, seen(`${soundHistory}\n240-241 c1 node-1 add s 8`, timeline));
};

describe('no-acknowledged-write-lost', () => {
  it('names evictions, which may be why, and does not excuse them', () =>
    expect(asked()).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(
        /^1 acknowledged writes are lost, .*; node-1 evicted 20 keys \(maxmemory-policy allkeys-lru\), which may be why: allow it by the budget evictedKeys$/,
      ),
    }));
  it('bears them where the experiment allows so many, and no more', () => {
    expect(asked(20)).toMatchObject({ outcome: 'held', because: expect.stringContaining('node-1 evicted 20 keys') });
    expect(asked(19)).toMatchObject({ outcome: 'violated', because: expect.stringMatching(/, where 19 are allowed$/) });
  });
  it('says nothing of evictions where there were none', () => {
    const timeline = film();
    expect(lost.check(timeline, seen(`${soundHistory}\n240-241 c1 node-1 add s 8`, timeline)).because).not.toContain('evicted');
  });
});
