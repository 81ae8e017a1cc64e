import { type Invariant, held, unknown, violated } from '../invariant.ts';

/** Keys that exist somewhere and answer to nobody are not lost yet: what became of their writes cannot be told. */
export default {
  name: 'keys-can-be-read',
  claim: 'In the end some node answers for every key, also where a slot was left open.',
  suits: ({ budget }) => budget.unreadableKeys !== undefined,
  check(timeline) {
    const readBack = timeline.of('read-back').at(-1);
    if (!readBack || readBack.keys === 0) return unknown('no keys were read back');
    const limit = timeline.run.budget.unreadableKeys ?? 0;
    const said = `${readBack.unreadable} of ${readBack.keys} keys`;
    if (readBack.unreadable <= limit) return held(`no node answers for ${said}; ${limit} are allowed`);
    return violated(`no node answers for ${said}, where ${limit} are allowed`, [readBack.seq]);
  },
} satisfies Invariant;
