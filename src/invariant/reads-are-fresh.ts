import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, readsVersions, violated, withReads, witnessesOf } from '../invariant.ts';

export default {
  name: 'reads-are-fresh',
  claim: 'No primary returns what an acknowledged write had replaced before the read began, but in the windows that the engine documents.',
  suits: readsVersions,
  check: (timeline, consistency) =>
    withReads(consistency, (reads, count) => {
      const budgetMs = timeline.run.budget.stalenessMs;
      const worstMs = Math.max(0, reads.staleness.primaries?.maxMs ?? 0, reads.staleness.replicas?.maxMs ?? 0);
      if (budgetMs !== undefined && worstMs > budgetMs)
        return violated(`a read was ${formatMs(worstMs)} stale, where ${formatMs(budgetMs)} are allowed`, witnessesOf(timeline));
      return judged(timeline, 'staleReads', reads.stale, {
        none: `none of ${count} reads was stale`,
        many: 'reads were stale',
        one: ({ key, node, sentAtMs, staleMs, versions }) =>
          `${node ?? 'some node'} at ${formatMs(sentAtMs)} returned of ${key} what had been replaced ${formatMs(staleMs)} before, ${versions} versions behind`,
      });
    }),
} satisfies Invariant;
