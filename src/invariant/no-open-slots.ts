import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { silent } from '../timeline/claims.ts';

export default {
  name: 'no-open-slots',
  claim: 'In the end no slot is left migrating or importing.',
  check(timeline) {
    const final = timeline.final('topology');
    const quiet = silent(final);
    if (quiet.length > 0) return unknown(`no topology of ${quiet.join(', ')} in the verify phase`);
    const open = [...final.values()].flatMap((seen) =>
      seen ? seen.value.flatMap((node) => node.open.map((slot) => ({ seen, slot }))) : [],
    );
    if (open.length === 0) return held('no node lists an open slot');
    return violated(
      open.map(({ seen, slot }) => `${seen.node} has slot ${slot.slot} ${slot.direction}`).join('; '),
      open.map(({ seen }) => seen.seq),
    );
  },
} satisfies Invariant;
