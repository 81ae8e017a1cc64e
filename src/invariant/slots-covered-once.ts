import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { claimsOfSlots, silent } from '../timeline/claims.ts';

/** Counts each node's own claim: gossip about a node can be stale, what it would serve is not. */
export default {
  name: 'slots-covered-once',
  claim: 'In the end each of the 16384 slots is claimed by exactly one primary.',
  check(timeline) {
    const final = timeline.final('topology');
    const quiet = silent(final);
    if (quiet.length > 0) return unknown(`no topology of ${quiet.join(', ')} in the verify phase`);
    const claims = claimsOfSlots([...final.values()].flatMap((seen) => (seen ? [seen.value] : [])));
    const none = claims.filter((count) => count === 0).length;
    const many = claims.filter((count) => count > 1).length;
    if (none + many === 0) return held('every slot is claimed by exactly one primary');
    return violated(
      `${none} slots are claimed by nobody, ${many} by more than one node`,
      [...final.values()].flatMap((seen) => seen?.seq ?? []),
    );
  },
} satisfies Invariant;
