import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { type Command, engine, toolbox } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { type Action, bites, defineFault, everywhere, misses } from '../fault.ts';
import { forgetStrangers, memberOf, printStrangers, readView } from '../membership.ts';
import { nothing } from '../revival.ts';

/** Members tell each other of a third at least once a second (clusterCron). */
const gossipSeconds = 1.2;

type Plan = {
  nodes: string[];
  spare: string;
  address: string;
  /** Where the target is met, and its id. */
  place: string;
  id: string;
  as: 'primary' | 'replica';
  members: string[];
  memberIds: string[];
};

/** Introduces the spare; a replica must know its primary first, which takes a gossip or two. */
const join = ({ place, id, as }: Plan): string => `reply=$($CLI CLUSTER MEET ${place})
[ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }
${
  as === 'primary'
    ? ''
    : `for try in $(seq 60); do
  reply=$($CLI CLUSTER REPLICATE ${id})
  [ "$reply" = OK ] && exit 0
  sleep 0.1
done
echo "the spare cannot replicate: $reply"; exit 1`
}`;

/** Under a new id, so that the ban on the old one does no harm the next time. Slots are never thrown away. */
const leave = `${readView}
printf '%s\\n' "$view" | awk '/myself/ && /master/ && NF > 8 { owns = 1 } END { exit owns }' || { echo 'it owns slots; move them away first'; exit 1; }
[ "$(printf '%s\\n' "$view" | wc -l)" -gt 1 ] || exit 0
$CLI CLUSTER RESET HARD`;

/**
 * Undone once the spare has left: every member forgets it, twice. A member that did not know it the first time cannot ban
 * it, and may hear of it from one whose turn came later; the second time nobody is left to tell. All at the same time: a
 * first command at a node opens a shell there, which takes longer than what it is asked.
 */
function forgottenByAll({ spare, members, address, memberIds }: Plan): Action {
  const atEach = (script: string): Command => ({ run: 'together', node: spare, commands: members.map((member) => engine(member, script)) });
  const forget = atEach(forgetStrangers(address, memberIds));
  return {
    do: nothing(spare),
    undo: { run: 'sequence', node: spare, commands: [forget, toolbox(spare, `sleep ${gossipSeconds}`), forget] },
    residue: atEach(printStrangers(address, memberIds)),
    healWithinMs: 15_000,
  };
}

export default defineFault({
  name: 'add-node',
  about: 'a new node joins the cluster, as a primary without slots or as one more replica',
  mechanism: 'CLUSTER MEET from a spare engine, which the cluster of the experiment must have (spares), and CLUSTER REPLICATE',
  evidence: 'every member lists the new node, in the role that was wanted',
  undo: 'CLUSTER RESET HARD at the spare and CLUSTER FORGET at every member; refused while it owns slots',
  example: '--target "one primary" --as replica',
  parameters: z.strictObject({
    as: z
      .enum(['primary', 'replica'])
      .default('replica')
      .describe("'replica' of the target, or 'primary' without slots, which the target introduces"),
    spare: z.string().default('spare-1').describe('which spare joins'),
  }),
  plan({ as, spare }, { victims, topology, cluster }): Plan {
    const spares = cluster.spares ?? [];
    const joining = spares.find(({ name }) => name === spare);
    if (!joining)
      throw new UsageError(
        spares.length === 0
          ? 'the cluster has no spare that could join; ask for one with spares: 1 in the cluster of the experiment'
          : `the cluster has no ${spare}; its spares are ${spares.map(({ name }) => name).join(', ')}`,
      );
    const [target, ...more] = victims;
    if (!target || more.length > 0)
      throw new UsageError(`expected one node as the target of add-node, got ${victims.map(({ name }) => name).join(', ')}`);
    if (as === 'replica' && topology.some(({ id, primary }) => id === target.id && primary !== null))
      throw new UsageError(`expected a primary as the target, for a replica has no replicas, but ${target.name} is one`);
    const { id, place } = memberOf(target);
    return {
      nodes: [target.name],
      spare,
      address: joining.address,
      place,
      id,
      as,
      members: cluster.nodes.map(({ name }) => name),
      memberIds: cluster.nodes.map((node) => node.id),
    };
  },
  actions: (plan, tag) => [
    ...plan.members.map((member) => exclusive(member, tag, `memory of ${plan.spare}`)),
    exclusive(plan.spare, tag, 'membership'),
    forgottenByAll(plan),
    {
      do: engine(plan.spare, join(plan)),
      undo: engine(plan.spare, leave),
      residue: engine(plan.spare, `${readView}\n[ "$(printf '%s\n' "$view" | wc -l)" -eq 1 ] || printf '%s\n' "$view"`),
      healWithinMs: 10_000,
    },
  ],
  effect: ({ members, spare, address, as, id }, _tag, witness) =>
    everywhere(members, async (member) => {
      const peer = witness
        .views()
        .get(member)
        ?.find((other) => other.address === address);
      if (!peer || peer.flags.includes('handshake')) return misses(`${member} does not list ${spare}`);
      if (as === 'replica' && peer.primary !== id) return misses(`${member} does not list ${spare} as a replica of the target`);
      return bites(`${member} lists ${spare} as ${peer.flags.join(',')}`);
    }),
});
