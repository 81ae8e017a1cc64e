import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { isPrimary, ownLine } from '../timeline/claims.ts';
import type { Timeline } from '../timeline/timeline.ts';

/**
 * A replica's line carries the epoch of its primary, so only primaries are compared. A restarted process may begin with
 * an older current epoch: not every step of it is saved to nodes.conf (clusterProcessPacket).
 */
export default {
  name: 'epochs-unique',
  claim:
    'No two primaries have the same config epoch in the end, all nodes agree on the current epoch, and it never goes back while a process lives.',
  check(timeline) {
    const topologies = timeline.final('topology');
    const infos = timeline.final('cluster-info');
    const witnesses = [...topologies.values(), ...infos.values()].flatMap((seen) => seen?.seq ?? []);
    const epochs = [...topologies.values()]
      .flatMap((seen) => (seen ? (ownLine(seen.value) ?? []) : []))
      .filter(isPrimary)
      .map(({ configEpoch }) => configEpoch);
    if (epochs.length === 0) return unknown('no node says that it is a primary');
    if (new Set(epochs).size !== epochs.length || epochs.includes(0))
      return violated(`the primaries' config epochs are ${epochs.join(', ')}`, witnesses);
    const current = [...infos.values()].flatMap((seen) => (seen ? [seen.value.counters['cluster_current_epoch'] ?? -1] : []));
    if (new Set(current).size !== 1 || (current[0] ?? 0) < Math.max(...epochs))
      return violated(`the nodes' current epochs are ${current.join(', ')} with config epochs ${epochs.join(', ')}`, witnesses);
    for (const { name } of timeline.run.nodes) {
      // A node that takes a new id forgets its epochs with the old one (CLUSTER RESET HARD).
      const renamedAtMs = timeline.of('member-renamed').findLast(({ node }) => node === name)?.atMs;
      const series = timeline.seen('cluster-info', { node: name, ...(renamedAtMs === undefined ? {} : { fromMs: renamedAtMs }) });
      const back = series.find((seen, index) => {
        const before = series[index - 1];
        return (
          before &&
          (seen.value.counters['cluster_current_epoch'] ?? 0) < (before.value.counters['cluster_current_epoch'] ?? 0) &&
          !restarted(timeline, name, before.atMs, seen.atMs)
        );
      });
      if (back) return violated(`the current epoch of ${name} went back to ${back.value.counters['cluster_current_epoch']}`, [back.seq]);
    }
    return heldByAll(
      'topology or CLUSTER INFO',
      [topologies, infos],
      `config epochs ${epochs.join(', ')}; current epoch ${current[0]} everywhere`,
    );
  },
} satisfies Invariant;

/** Whether the node's run_id was another before than after. */
function restarted(timeline: Timeline, node: string, fromMs: number, toMs: number): boolean {
  const samples = timeline.seen('replication', { node });
  const before = samples.findLast(({ atMs }) => atMs <= fromMs);
  const after = samples.find(({ atMs }) => atMs >= toMs);
  return before !== undefined && after !== undefined && before.value.runId !== after.value.runId;
}
