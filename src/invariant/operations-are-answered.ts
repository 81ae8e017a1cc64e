import { type Invariant, held, violated, withHistory, witnessesOf } from '../invariant.ts';

/** A client that waits for ever looks healthy in every count of errors. What the workload itself gave up in time is answered here. */
export default {
  name: 'operations-are-answered',
  claim: 'Every operation of a client ends: with an answer, or with an error of the client.',
  check: (timeline, consistency) =>
    withHistory(consistency, ({ service: { neverAnswered } }) => {
      const allowed = timeline.run.budget.neverAnswered ?? 0;
      const said = `${neverAnswered} operations were never answered, not even by an error`;
      if (neverAnswered > allowed) return violated(`${said}; ${allowed} are allowed`, witnessesOf(timeline));
      return held(neverAnswered === 0 ? 'every operation ended' : `${said}; ${allowed} are allowed`);
    }),
} satisfies Invariant;
