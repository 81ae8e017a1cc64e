import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, unknown, violated, withHistory, witnessesOf } from '../invariant.ts';

export default {
  name: 'counters-exact',
  claim: 'Every acknowledged increment counts, once, but for losses in the windows that the engine documents.',
  suits: ({ workload }) => ['counters', 'mixed'].includes(workload.kind),
  check: (timeline, consistency) =>
    withHistory(consistency, ({ totals }) => {
      if (totals.acknowledged === 0) return unknown('no increment was ever acknowledged');
      // No window excuses it: the engine has counted twice, or a client library has sent an increment twice.
      if (totals.excess.total > 0)
        return violated(
          `counters exceed what was sent by ${totals.excess.total}: ${totals.excess.examples
            .slice(0, 3)
            .map(({ key, count, atMost }) => `${key} says ${count} of at most ${atMost}`)
            .join('; ')}`,
          witnessesOf(timeline),
        );
      const finding = judged(
        timeline,
        'lostIncrements',
        { total: totals.lost, outside: totals.outside, examples: totals.losses.writes },
        {
          none: `${totals.acknowledged} acknowledged increments of ${totals.keys} counters are in their sums`,
          many: 'acknowledged increments are lost',
          one: ({ key, node, acknowledgedAtMs, found }) =>
            `one of ${key}, acknowledged by ${node ?? 'some node'} at ${formatMs(acknowledgedAtMs)}: ${found}`,
        },
      );
      if (finding.outcome === 'held' && totals.unreadable > 0)
        return unknown(`${totals.unreadableKeys.total} of ${totals.keys} counters could not be read back`);
      return finding;
    }),
} satisfies Invariant;
