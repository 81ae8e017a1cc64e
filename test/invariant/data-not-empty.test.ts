import { describe, expect, it } from 'vitest';
import notEmpty from '../../src/invariant/data-not-empty.ts';
import { idOf, recorded } from '../recorded.ts';
import { line } from './recorded.ts';

/** node-1 holds no key, and has given its slots to node-2, or to nobody. */
const emptied = (to: 'node-2' | 'nobody', id = idOf('node-1')) =>
  notEmpty.check(
    recorded({
      change: (answers, node) => {
        if (node === 'node-1') {
          answers.keys = { count: 0 };
          line(answers, idOf('node-1'), { slots: [], id });
        }
        if (node === to) line(answers, idOf(to), { slots: [[0, 10922]] });
      },
    }),
  );

describe('data-not-empty', () => {
  it('asks nothing of a primary whose slots are all with others', () => expect(emptied('node-2')).toMatchObject({ outcome: 'held' }));
  it("is violated where its slots are nobody else's, and by a stranger in its place", () => {
    expect(emptied('nobody')).toMatchObject({ outcome: 'violated', because: 'node-1 hold no key' });
    expect(emptied('node-2', idOf('stranger'))).toMatchObject({ outcome: 'violated' });
  });
});
