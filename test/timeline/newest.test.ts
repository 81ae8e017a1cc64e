import { describe, expect, it } from 'vitest';
import { film } from '../invariant/recorded.ts';

describe('the newest answer', () => {
  const timeline = film({
    change: (answers, node, atMs) => {
      if (node === 'node-2' && atMs > 9_000) return false;
      answers.keys = { count: Math.floor(atMs / 1_000) };
      return undefined;
    },
  });
  it('is the last that the node gave, also when it has given none since', () => {
    expect(timeline.newest('keys', 'node-1')).toEqual({ count: 9 });
    expect(timeline.newest('keys', 'node-2')).toEqual({ count: 8 });
  });
  it('is none of a node that never gave one', () => expect(timeline.newest('keys', 'node-9')).toBeUndefined());
});
