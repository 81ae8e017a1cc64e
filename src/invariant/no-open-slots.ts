import { heldByAll, type Invariant, violated } from '../invariant.ts';

export default {
  name: 'no-open-slots',
  claim: 'In the end no slot is left migrating or importing.',
  check(timeline) {
    const final = timeline.final('topology');
    const open = [...final.values()].flatMap((seen) =>
      seen ? seen.value.flatMap((node) => node.open.map((slot) => ({ seen, slot }))) : [],
    );
    if (open.length === 0) return heldByAll('topology', [final], 'no node lists an open slot');
    return violated(
      open.map(({ seen, slot }) => `${seen.node} has slot ${slot.slot} ${slot.direction}`).join('; '),
      open.map(({ seen }) => seen.seq),
    );
  },
} satisfies Invariant;
