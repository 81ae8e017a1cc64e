import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { engine } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import type { Action } from '../fault.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { emptyPrimary, forgotten, type Member, memberOf, readView, returnWithinMs, spreadsBans } from '../membership.ts';

type Plan = { nodes: string[]; members: Member[]; primaries: (string | null)[]; others: string[]; bansSpread: boolean };

/** The node forgets everybody, and replicates its primary again, whoever that is by then, as soon as it knows it. */
const detached = (node: string, primary: string | null, bansSpread: boolean): Action => ({
  do: engine(node, `reply=$($CLI CLUSTER RESET SOFT); [ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }`),
  undo:
    primary === null
      ? engine(node, 'true')
      : engine(
          node,
          `${readView}
${emptyPrimary} || exit 0
primary=$(printf '%s\\n' "$view" | awk '$1 == "${primary}" { print $3 ~ /slave/ ? $4 : $1 }')
[ -n "$primary" ] || { echo "${node} does not know its primary yet"; exit 1; }
reply=$($CLI CLUSTER REPLICATE "$primary"); [ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }`,
        ),
  residue: engine(
    node,
    `${readView}
[ "$(printf '%s\\n' "$view" | grep -c -v -e handshake)" -gt 1 ] || echo "${node} knows nobody"
${
  primary === null
    ? ''
    : `printf '%s\\n' "$view" | awk '/myself/ && /master/ && NF <= 8 { print "${node} replicates nobody" }'
$CLI INFO replication | tr -d '\\r' | grep -e '^master_link_status:down' -e '^master_sync_in_progress:1'`
}
true`,
  ),
  healWithinMs: returnWithinMs(bansSpread) + 10_000,
});

export default defineFault({
  name: 'remove-node',
  about: 'a node is taken out of the cluster in the orderly way: nobody knows it any more, and it knows nobody',
  mechanism: 'CLUSTER RESET SOFT at the node, CLUSTER FORGET at all the others; its data go, as those of a replica may',
  evidence: 'no other node lists it, and it lists only itself',
  undo: 'CLUSTER MEET from all the others and CLUSTER REPLICATE as before, under the same id; where the ban of CLUSTER FORGET spreads, after its minute',
  example: '--target "one replica"',
  parameters: z.strictObject({}),
  plan(_parameters, { victims, topology, cluster }): Plan {
    const lineOf = (id: string) => topology.find((peer) => peer.id === id);
    for (const { id, name } of victims) {
      if ((lineOf(id)?.slots.length ?? 0) > 0)
        throw new UsageError(`expected a replica or a primary without slots to remove, but ${name} has slots; reshard them away first`);
      if (topology.some((peer) => peer.primary === id))
        throw new UsageError(`${name} has a replica, which cannot forget it; remove that one as well, first`);
    }
    return {
      nodes: victims.map(({ name }) => name),
      members: victims.map(memberOf),
      primaries: victims.map(({ id }) => lineOf(id)?.primary ?? null),
      others: cluster.nodes.filter((node) => !victims.includes(node)).map(({ name }) => name),
      bansSpread: spreadsBans(cluster),
    };
  },
  actions: ({ nodes, members, primaries, others, bansSpread }, tag) => [
    ...nodes.flatMap((node, index) => [exclusive(node, tag, 'membership'), detached(node, primaries[index] ?? null, bansSpread)]),
    ...others.flatMap((node) => members.flatMap((member) => forgotten(node, tag, member, true, bansSpread))),
  ],
  async effect({ nodes, members, others }, _tag, witness) {
    const views = witness.views();
    const alone = await everywhere(nodes, async (node) => {
      const listed = views.get(node)?.length;
      return listed === 1 ? bites(`${node} lists only itself`) : misses(`${node} lists ${listed ?? 'no'} nodes`);
    });
    if (!alone.bites) return alone;
    const unknown = await everywhere(others, async (node) => {
      const view = views.get(node);
      if (!view) return misses(`${node} has told no topology since`);
      const known = members.findIndex(({ id }) => view.some((peer) => peer.id === id));
      return known < 0 ? bites(`${node} does not list ${nodes.join(', ')}`) : misses(`${node} still lists ${nodes[known]}`);
    });
    return unknown.bites ? bites(...alone.because, ...unknown.because) : unknown;
  },
});
