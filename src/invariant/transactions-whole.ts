import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, unknown, withHistory } from '../invariant.ts';

export default {
  name: 'transactions-whole',
  claim: 'What is written together is seen together: all of a transaction, or nothing.',
  suits: ({ workload }) => workload.kind === 'transactions',
  check: (timeline, consistency) =>
    withHistory(consistency, ({ pairs }) => {
      if (pairs.reads === 0) return unknown('no pair was ever read');
      const both = {
        total: pairs.torn.total + pairs.tornInTheEnd.total,
        outside: pairs.torn.outside + pairs.tornInTheEnd.outside,
        examples: [...pairs.tornInTheEnd.examples, ...pairs.torn.examples],
      };
      return judged(timeline, 'tornTransactions', both, {
        none: `both halves were the same in ${pairs.reads} reads`,
        many: 'reads saw half of a transaction',
        one: ({ key, node, atMs, values }) => `${node ?? 'some node'} at ${formatMs(atMs)} returned ${values.join(' and ')} of ${key}`,
      });
    }),
} satisfies Invariant;
