import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { silent } from '../timeline/claims.ts';

/** A shard wiped by an empty primary violates nothing that the topology shows. */
export default {
  name: 'data-not-empty',
  claim: 'In the end every node still holds keys, as clients wrote some to every shard.',
  suits: ({ workload }) => !['queue', 'expiring'].includes(workload.kind),
  check(timeline) {
    const readBack = timeline.of('read-back').at(-1);
    if (!readBack || readBack.keys === 0) return unknown('no keys were read back');
    const final = timeline.final('keys');
    const quiet = silent(final);
    if (quiet.length > 0) return unknown(`no DBSIZE of ${quiet.join(', ')} in the verify phase`);
    const empty = [...final.values()].filter((seen) => seen?.value.count === 0);
    if (empty.length > 0)
      return violated(
        `${empty.map((seen) => seen?.node).join(', ')} hold no key`,
        empty.flatMap((seen) => seen?.seq ?? []),
      );
    return held(`every node holds keys (${[...final.values()].map((seen) => seen?.value.count).join(', ')})`);
  },
} satisfies Invariant;
