import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { nameOf } from '../timeline/claims.ts';

/**
 * A ghost is whoever a node lists that is no member, or whose handshake or address is missing: somebody who was forgotten
 * and came back, or who never came. One may show for a moment only, so that all of the verify phase counts.
 */
export default {
  name: 'no-ghosts',
  claim: 'In the end nobody lists a stranger, a handshake that goes on, or a node without an address.',
  check(timeline) {
    const { run } = timeline;
    const fromMs = timeline.phaseAtMs('verify') ?? Number.POSITIVE_INFINITY;
    const ghosts = new Map<string, { readonly ghost: string; readonly nodes: Set<string>; readonly seq: number }>();
    for (const { node, value, seq } of timeline.seen('topology', { fromMs })) {
      for (const { id, flags, address } of value) {
        const why = flags.includes('handshake')
          ? `a handshake with ${address}`
          : flags.includes('noaddr')
            ? `${nameOf(run, id)} without an address`
            : run.nodes.some((member) => member.id === id)
              ? null
              : `the stranger ${id.slice(0, 8)}… at ${address}`;
        if (why === null) continue;
        const known = ghosts.get(why);
        if (known) known.nodes.add(node);
        else ghosts.set(why, { ghost: why, nodes: new Set([node]), seq });
      }
    }
    if (ghosts.size > 0)
      return violated(
        [...ghosts.values()]
          .slice(0, 4)
          .map(({ ghost, nodes }) => `${[...nodes].toSorted().join(', ')} list${nodes.size === 1 ? 's' : ''} ${ghost}`)
          .join('; '),
        [...ghosts.values()].map(({ seq }) => seq),
      );
    return heldByAll('topology', [timeline.final('topology')], `whoever is listed is one of the ${run.nodes.length} members`);
  },
} satisfies Invariant;
