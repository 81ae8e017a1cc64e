import { type Invariant, held, unknown, violated, withHistory } from '../invariant.ts';

/** Keys that exist somewhere and answer to nobody are not lost yet: what became of their writes cannot be told. */
export default {
  name: 'keys-can-be-read',
  claim: 'In the end some primary answers for every key that was written, also where a slot was left open.',
  suits: ({ budget }) => budget.unreadableKeys !== undefined,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ loss }) => {
      const readBack = timeline.of('read-back').at(-1);
      if (!readBack || loss.keys === 0) return unknown('no keys were read back');
      const limit = timeline.run.budget.unreadableKeys ?? 0;
      const { total, examples } = loss.unreadableKeys;
      const said = `no primary answers for ${total} of ${loss.keys} keys`;
      if (total <= limit) return held(`${said}; ${limit} are allowed`);
      return violated(`${said}, where ${limit} are allowed: ${examples.slice(0, 3).join(', ')}`, [readBack.seq]);
    }),
} satisfies Invariant;
