import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { ownLine, silent } from '../timeline/claims.ts';

/** cluster_state:ok does not show this: a replica can be pinned to a dead address for ever. */
export default {
  name: 'replica-follows-primary',
  claim: "In the end each replica replicates from its primary's real address.",
  check(timeline) {
    const topology = timeline.final('topology');
    const replication = timeline.final('replication');
    const quiet = [...new Set([...silent(topology), ...silent(replication)])];
    if (quiet.length > 0) return unknown(`no topology or INFO replication of ${quiet.join(', ')} in the verify phase`);
    const wrong: { readonly text: string; readonly seq: number }[] = [];
    let replicas = 0;
    for (const [node, seen] of replication) {
      const own = ownLine(topology.get(node)?.value ?? []);
      if (!seen || !own?.primary) continue;
      replicas++;
      const primary = timeline.run.nodes.find(({ id }) => id === own.primary);
      if (seen.value.primaryAddress !== primary?.address)
        wrong.push({
          text: `${node} replicates from ${seen.value.primaryAddress}, but ${primary?.name ?? 'its primary'} is at ${primary?.address ?? 'no known address'}`,
          seq: seen.seq,
        });
    }
    if (wrong.length > 0)
      return violated(
        wrong.map(({ text }) => text).join('; '),
        wrong.map(({ seq }) => seq),
      );
    return held(`${replicas} replicas follow the real address of their primary`);
  },
} satisfies Invariant;
