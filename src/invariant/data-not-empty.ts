import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { covered, isPrimary, ownLine, sharedSlots } from '../timeline/claims.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** A primary that is still the member it was, whose slots are all another's by now: it has nothing to hold. */
function hasGivenAway(timeline: Timeline, node: string): boolean {
  const views = timeline.final('topology');
  const own = ownLine(views.get(node)?.value ?? []);
  const member = timeline.run.nodes.find(({ name }) => name === node);
  if (!own || own.id !== member?.id || member.role !== 'primary' || !isPrimary(own) || own.slots.length > 0) return false;
  const others = [...views].flatMap(([other, seen]) => {
    const line = other === node ? undefined : ownLine(seen?.value ?? []);
    return line && isPrimary(line) ? line.slots : [];
  });
  return sharedSlots(member.slots, others) === covered(member.slots);
}

/** A shard wiped by an empty primary violates nothing that the topology shows. */
export default {
  name: 'data-not-empty',
  claim: 'In the end every node still holds keys, as clients wrote some to every shard.',
  suits: ({ workload }) => !['queue', 'expiring'].includes(workload.kind),
  check(timeline) {
    const readBack = timeline.of('read-back').at(-1);
    if (!readBack || readBack.keys === 0) return unknown('no keys were read back');
    const final = timeline.final('keys');
    const empty = [...final.values()].filter((seen) => seen?.value.count === 0 && !hasGivenAway(timeline, seen.node));
    if (empty.length > 0)
      return violated(
        `${empty.map((seen) => seen?.node).join(', ')} hold no key`,
        empty.flatMap((seen) => seen?.seq ?? []),
      );
    return heldByAll('DBSIZE', [final], `every node holds keys (${[...final.values()].map((seen) => seen?.value.count).join(', ')})`);
  },
} satisfies Invariant;
