import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { claimsOfSlots, hasEnded, silent } from '../timeline/claims.ts';

/** Counts each node's own claim: gossip about a node can be stale, what it would serve is not. */
export default {
  name: 'slots-covered-once',
  claim: 'In the end each of the 16384 slots is claimed by exactly one primary.',
  check(timeline) {
    const final = timeline.final('topology');
    const claims = claimsOfSlots([...final.values()].flatMap((seen) => (seen ? [seen.value] : [])));
    const none = claims.filter((count) => count === 0).length;
    const many = claims.filter((count) => count > 1).length;
    if (none + many === 0) return heldByAll('topology', [final], 'every slot is claimed by exactly one primary');
    // Whoever is silent and may live could claim what nobody else does.
    const living = silent(final).filter((node) => !hasEnded(timeline, node));
    if (many === 0 && living.length > 0)
      return unknown(`${none} slots are claimed by none of those who answer; no topology of ${living.join(', ')} in the verify phase`);
    return violated(
      `${none} slots are claimed by nobody, ${many} by more than one node`,
      [...final.values()].flatMap((seen) => seen?.seq ?? []),
    );
  },
} satisfies Invariant;
