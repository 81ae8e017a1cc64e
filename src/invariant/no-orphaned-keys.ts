import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { orphans } from '../timeline/orphans.ts';

/** Such keys answer to nobody and cost memory all the same; DBSIZE counts them, and the engine's own --cluster check does not look. */
export default {
  name: 'no-orphaned-keys',
  claim: 'In the end no node holds keys of slots that its shard does not serve.',
  check(timeline) {
    const found = orphans(timeline);
    if (found.length === 0)
      return heldByAll(
        'topology or keys by slot',
        [timeline.final('slot-keys'), timeline.final('topology')],
        'every key is in a slot that its node serves, replicates or imports',
      );
    return violated(
      found
        .map(
          ({ node, keys, slots }) => `${node} holds ${keys} keys of ${slots.length} slots that its shard does not serve, ${slots[0]} first`,
        )
        .join('; '),
      found.map(({ seq }) => seq),
    );
  },
} satisfies Invariant;
