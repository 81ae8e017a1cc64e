import { formatMs } from '../base/duration.ts';
import { held, type Invariant, judged, unknown, violated, withHistory, witnessesOf } from '../invariant.ts';

export default {
  name: 'one-acknowledger-per-slot',
  claim: 'No two nodes acknowledge writes for the same slot in turn, but in the windows that the engine documents.',
  suits: ({ workload }) => workload.client === 'bare',
  check: (timeline, consistency) =>
    withHistory(consistency, ({ splitBrain: { clients, nodes }, loss, totals, queues, expiry }) => {
      if (loss.acknowledged + totals.acknowledged + queues.acknowledged + expiry.acknowledged === 0)
        return unknown('no write was ever acknowledged');
      if (timeline.run.workload.client !== 'bare')
        return unknown(`${timeline.run.workload.client} does not tell which node acknowledged what`);
      const budgetMs = timeline.run.budget.splitBrainMs;
      if (budgetMs !== undefined && clients.totalMs > budgetMs)
        return violated(
          `two nodes acknowledged writes for the same slots over ${formatMs(clients.totalMs)}, where ${formatMs(budgetMs)} are allowed`,
          witnessesOf(timeline),
        );
      const claimed = nodes.totalMs > 0 ? ` (by their own words two nodes owned the same slots for ${formatMs(nodes.totalMs)})` : '';
      if (budgetMs !== undefined && clients.totalMs > 0)
        return held(
          `two nodes acknowledged writes for the same slots over ${formatMs(clients.totalMs)}, where ${formatMs(budgetMs)} are allowed${claimed}`,
        );
      return judged(timeline, 'splitBrainMs', clients.acknowledgements, {
        none: `each slot was acknowledged for by one node at a time${claimed}`,
        many: `writes were acknowledged for a slot that another node served${claimed}`,
        one: ({ key, id, node, acknowledgedAtMs, rival }) => `${id} of ${key} by ${node} at ${formatMs(acknowledgedAtMs)}, after ${rival}`,
      });
    }),
} satisfies Invariant;
