import { type Invariant, judged, unknown, withHistory } from '../invariant.ts';

export default {
  name: 'registers-linearizable',
  claim: 'Every register behaves as if there were one copy of it, but in the windows that the engine documents.',
  suits: ({ workload }) => ['registers', 'mixed'].includes(workload.kind) && workload.readShare > 0,
  check: (timeline, consistency) =>
    withHistory(consistency, ({ linearizability }) => {
      const { keys, notLinearizable, unknown: open, operations } = linearizability;
      if (operations === 0) return unknown('no register was ever written or read');
      const finding = judged(timeline, 'nonLinearizable', notLinearizable, {
        none: `${operations} operations on ${keys} registers have an order that explains them`,
        many: 'reads have no order that explains them',
        one: ({ explanation }) => explanation,
      });
      if (finding.outcome === 'held' && open.keys > 0)
        return unknown(`${open.keys} of ${keys} registers were not finished: ${open.because}`);
      return finding;
    }),
} satisfies Invariant;
