import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated, withHistory, witnessesOf } from '../invariant.ts';

/** No window excuses any of this: it would mean that an outcome was judged wrong, or that the engine broke its word. */
export default {
  name: 'nothing-made-up',
  claim: 'What is read was written by somebody, once, in the order in which it was written, and is no refused write.',
  check: (timeline, consistency) =>
    withHistory(consistency, ({ loss, reads, operations }) => {
      if (operations === 0) return unknown('no operation was recorded');
      const found = [
        ...loss.contradicted.examples.map(({ id, key }) => `${id} is in ${key} although it was refused`),
        ...loss.duplicated.examples.map(({ id, key }) => `${id} is in ${key} more than once`),
        ...loss.reordered.examples.map(({ id, key }) => `${id} of ${key} stands in the wrong place`),
        ...loss.foreign.examples.map(({ key }) => `${key} holds what no client wrote`),
        ...reads.phantoms.examples.map(
          ({ key, value, node, doneAtMs }) =>
            `${node ?? 'some node'} returned ${value} for ${key} at ${formatMs(doneAtMs)}, which nobody had written`,
        ),
      ];
      const total = [loss.contradicted, loss.duplicated, loss.reordered, loss.foreign, reads.phantoms].reduce(
        (sum, tally) => sum + tally.total,
        0,
      );
      if (total > 0)
        return violated(
          `${total} values are not what was written: ${found.slice(0, 5).join('; ')}${total > 5 ? '; …' : ''}`,
          witnessesOf(timeline),
        );
      return held('whatever was read had been written, once and in order');
    }),
} satisfies Invariant;
