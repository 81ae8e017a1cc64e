import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { nameOf, ownLine, silent } from '../timeline/claims.ts';
import { listedAddresses } from '../timeline/health.ts';

/**
 * cluster_state:ok does not show this: a replica can be pinned to a dead address for ever. The address is the one at
 * which the other nodes list the primary now, so that one which moved is judged by its new address. A replica of a replica
 * takes part in no election; engines from 7.0 on end such a chain by themselves (cluster.c clusterProcessPacket).
 */
export default {
  name: 'replica-follows-primary',
  claim: "In the end each replica replicates from its primary's real address, and that one is no replica itself.",
  check(timeline) {
    const topology = timeline.final('topology');
    const replication = timeline.final('replication');
    const wrong: { readonly text: string; readonly seq: number }[] = [];
    const views = [...topology.values()].flatMap((seen) => (seen ? [seen.value] : []));
    let replicas = 0;
    for (const [node, seen] of replication) {
      const own = ownLine(topology.get(node)?.value ?? []);
      if (!seen || !own?.primary) continue;
      replicas++;
      const above = ownLine(topology.get(nameOf(timeline.run, own.primary))?.value ?? []);
      if (above?.primary) {
        wrong.push({
          text: `${node} is a replica of ${nameOf(timeline.run, own.primary)}, which is itself one of ${nameOf(timeline.run, above.primary)}`,
          seq: topology.get(node)?.seq ?? seen.seq,
        });
        continue;
      }
      const listed = listedAddresses(views, own.primary);
      if (listed.length === 0 && silent(topology).length > 0) continue;
      if (listed.length !== 1 || listed[0] !== seen.value.primaryAddress) {
        wrong.push({
          text: `${node} replicates from ${seen.value.primaryAddress}, but ${nameOf(timeline.run, own.primary)} is at ${listed.join(' or ') || 'no known address'}`,
          seq: seen.seq,
        });
      }
    }
    if (wrong.length > 0)
      return violated(
        wrong.map(({ text }) => text).join('; '),
        wrong.map(({ seq }) => seq),
      );
    return heldByAll(
      'topology or INFO replication',
      [topology, replication],
      `${replicas} replicas follow the real address of their primary`,
    );
  },
} satisfies Invariant;
