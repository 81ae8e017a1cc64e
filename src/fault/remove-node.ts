import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { engine } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import type { Action } from '../fault.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import {
  bannedSince,
  banStands,
  emptyPrimary,
  forgotten,
  meetUnlisted,
  type Member,
  memberOf,
  printUnlisted,
  readView,
  returnWithinMs,
  spreadsBans,
} from '../membership.ts';

type Plan = { nodes: string[]; members: Member[]; primaries: (string | null)[]; others: Member[]; bansSpread: boolean };

/**
 * The node forgets everybody, meets them again, and replicates its primary again, whoever that is by then, as soon as it
 * knows it. It must do the meeting itself: a reset does not end its own bans, so that what it forgot within the last
 * minute on somebody's word stays unknown to it, however often the others tell of it (cluster.c clusterReset,
 * clusterBlacklistExists).
 */
function detached(node: Member, primary: string | null, others: readonly Member[], bansSpread: boolean): Action {
  const since = bannedSince(node);
  return {
    do: engine(
      node.name,
      `date +%s >${since}
reply=$($CLI CLUSTER RESET SOFT); [ "$reply" = OK ] || { rm -f ${since}; echo "the engine refuses: $reply"; exit 1; }`,
    ),
    undo: engine(
      node.name,
      `${readView}
if ${banStands(since, bansSpread)}; then exit 0; fi
rm -f ${since}
${meetUnlisted(others)}
${
  primary === null
    ? 'true'
    : `${emptyPrimary} || exit 0
primary=$(printf '%s\\n' "$view" | awk '$1 == "${primary}" { print $3 ~ /slave/ ? $4 : $1 }')
[ -n "$primary" ] || { echo "${node.name} does not know its primary yet"; exit 1; }
reply=$($CLI CLUSTER REPLICATE "$primary"); [ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }`
}`,
    ),
    residue: engine(
      node.name,
      `${readView}
${
  primary === null
    ? ''
    : `printf '%s\\n' "$view" | awk '/myself/ && /master/ && NF <= 8 { print "${node.name} replicates nobody" }'
$CLI INFO replication | tr -d '\\r' | grep -e '^master_link_status:down' -e '^master_sync_in_progress:1'`
}
${printUnlisted(node.name, others)}`,
    ),
    healWithinMs: returnWithinMs(bansSpread) + 10_000,
  };
}

export default defineFault({
  name: 'remove-node',
  about: 'a node is taken out of the cluster in the orderly way: nobody knows it any more, and it knows nobody',
  mechanism: 'CLUSTER RESET SOFT at the node, CLUSTER FORGET at all the others; its data go, as those of a replica may',
  evidence: 'no other node lists it, and it lists only itself',
  undo: 'CLUSTER MEET from both sides and CLUSTER REPLICATE as before, under the same id; where the ban of CLUSTER FORGET spreads, after its minute',
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
      others: cluster.nodes.filter((node) => !victims.includes(node)).map(memberOf),
      bansSpread: spreadsBans(cluster),
    };
  },
  actions: ({ nodes, members, primaries, others, bansSpread }, tag) => [
    ...nodes.flatMap((node, index) => [
      exclusive(node, tag, 'membership'),
      detached(members[index] as Member, primaries[index] ?? null, others, bansSpread),
    ]),
    ...others.flatMap(({ name }) => members.flatMap((member) => forgotten(name, tag, member, true, bansSpread))),
  ],
  async effect({ nodes, members, others }, _tag, witness) {
    const views = witness.views();
    const alone = await everywhere(nodes, async (node) => {
      const listed = views.get(node)?.length;
      return listed === 1 ? bites(`${node} lists only itself`) : misses(`${node} lists ${listed ?? 'no'} nodes`);
    });
    if (!alone.bites) return alone;
    const unknown = await everywhere(
      others.map(({ name }) => name),
      async (node) => {
        const view = views.get(node);
        if (!view) return misses(`${node} has told no topology since`);
        const known = members.findIndex(({ id }) => view.some((peer) => peer.id === id));
        return known < 0 ? bites(`${node} does not list ${nodes.join(', ')}`) : misses(`${node} still lists ${nodes[known]}`);
      },
    );
    return unknown.bites ? bites(...alone.because, ...unknown.because) : unknown;
  },
});
