import { formatMs } from '../base/duration.ts';
import { held, type Invariant, judged, unknown, violated, withHistory, witnessesOf } from '../invariant.ts';
import { evictions } from '../timeline/evictions.ts';

/**
 * Replication is asynchronous: the engine documents windows in which an acknowledged write may be lost. A loss inside
 * such a window of a node that a fault exposed is counted and listed; any other is a violation.
 */
export default {
  name: 'no-acknowledged-write-lost',
  claim: 'No acknowledged write is lost outside the windows that the engine documents.',
  suits: ({ workload }) => ['registers', 'list-append', 'set-add', 'transactions', 'mixed'].includes(workload.kind),
  check: (timeline, consistency) =>
    withHistory(consistency, ({ loss }) => {
      if (!timeline.of('read-back').at(-1)) return unknown('nothing was read back');
      if (loss.acknowledged === 0) return unknown('no write was ever acknowledged');
      const { losses } = loss;
      const budgetMs = timeline.run.budget.lossWindowMs;
      if (budgetMs !== undefined && losses.longestWindowMs > budgetMs)
        return violated(
          `acknowledged writes were lost over ${formatMs(losses.longestWindowMs)}, where ${formatMs(budgetMs)} are allowed`,
          witnessesOf(timeline),
        );
      const finding = judged(
        timeline,
        'lostWrites',
        { total: losses.lost, outside: losses.outside, examples: losses.writes },
        {
          none: `every acknowledged write of ${loss.keys} keys is accounted for`,
          many: 'acknowledged writes are lost',
          one: ({ key, id, node, acknowledgedAtMs, found }) =>
            `${id} of ${key}, acknowledged by ${node ?? 'some node'} at ${formatMs(acknowledgedAtMs)}, is ${found}`,
        },
      );
      const { keys, said } = evictions(timeline);
      // Nobody knows which keys these were: what is gone may be gone for that, and only an experiment can say that it may.
      if (finding.outcome === 'violated' && keys > 0) {
        const because = `${finding.because}; ${said.join('; ')}`;
        const allowed = timeline.run.budget.evictedKeys;
        if (allowed === undefined) return { ...finding, because: `${because}, which may be why: allow it by the budget evictedKeys` };
        return keys <= allowed
          ? held(`${because}, where ${allowed} are allowed`)
          : { ...finding, because: `${because}, where ${allowed} are allowed` };
      }
      if (finding.outcome === 'held' && loss.unreadable > 0)
        return unknown(
          `${loss.unreadableKeys.total} of ${loss.keys} keys could not be read back (${loss.unreadableKeys.examples.slice(0, 3).join(', ')})`,
        );
      return finding;
    }),
} satisfies Invariant;
