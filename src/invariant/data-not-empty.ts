import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';

/** A shard wiped by an empty primary violates nothing that the topology shows. */
export default {
  name: 'data-not-empty',
  claim: 'In the end every node still holds keys, as clients wrote some to every shard.',
  suits: ({ workload }) => !['queue', 'expiring'].includes(workload.kind),
  check(timeline) {
    const readBack = timeline.of('read-back').at(-1);
    if (!readBack || readBack.keys === 0) return unknown('no keys were read back');
    const final = timeline.final('keys');
    const empty = [...final.values()].filter((seen) => seen?.value.count === 0);
    if (empty.length > 0)
      return violated(
        `${empty.map((seen) => seen?.node).join(', ')} hold no key`,
        empty.flatMap((seen) => seen?.seq ?? []),
      );
    return heldByAll('DBSIZE', [final], `every node holds keys (${[...final.values()].map((seen) => seen?.value.count).join(', ')})`);
  },
} satisfies Invariant;
