import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { isPrimary, ownLine, silent } from '../timeline/claims.ts';

/** A replica's line carries the epoch of its primary, so only primaries are compared. */
export default {
  name: 'epochs-unique',
  claim: 'No two primaries have the same config epoch in the end, all nodes agree on the current epoch, and it never goes back.',
  check(timeline) {
    const topologies = timeline.final('topology');
    const infos = timeline.final('cluster-info');
    const quiet = [...silent(topologies), ...silent(infos)];
    if (quiet.length > 0) return unknown(`no topology or CLUSTER INFO of ${[...new Set(quiet)].join(', ')} in the verify phase`);
    const witnesses = [...topologies.values(), ...infos.values()].flatMap((seen) => seen?.seq ?? []);
    const epochs = [...topologies.values()]
      .flatMap((seen) => (seen ? (ownLine(seen.value) ?? []) : []))
      .filter(isPrimary)
      .map(({ configEpoch }) => configEpoch);
    if (new Set(epochs).size !== epochs.length || epochs.includes(0))
      return violated(`the primaries' config epochs are ${epochs.join(', ')}`, witnesses);
    const current = [...infos.values()].map((seen) => seen?.value.counters['cluster_current_epoch'] ?? -1);
    if (new Set(current).size !== 1 || (current[0] ?? 0) < Math.max(...epochs))
      return violated(`the nodes' current epochs are ${current.join(', ')} with config epochs ${epochs.join(', ')}`, witnesses);
    for (const { name } of timeline.run.nodes) {
      const series = timeline.seen('cluster-info', { node: name });
      const back = series.find(
        ({ value }, index) =>
          index > 0 && (value.counters['cluster_current_epoch'] ?? 0) < (series[index - 1]?.value.counters['cluster_current_epoch'] ?? 0),
      );
      if (back) return violated(`the current epoch of ${name} went back to ${back.value.counters['cluster_current_epoch']}`, [back.seq]);
    }
    return held(`config epochs ${epochs.join(', ')}; current epoch ${current[0]} everywhere`);
  },
} satisfies Invariant;
