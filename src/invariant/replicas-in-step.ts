import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { ownLine, silent } from '../timeline/claims.ts';

/** Offsets grow by a PING even at rest, so a replica's last offset is compared with one its primary had earlier in the verify phase. */
export default {
  name: 'replicas-in-step',
  claim: 'In the end every replica is linked, not syncing, online for its primary, and has reached its offset.',
  check(timeline) {
    const final = timeline.final('replication');
    const topology = timeline.final('topology');
    const verifyAtMs = timeline.phaseAtMs('verify') ?? 0;
    const defects: { readonly text: string; readonly seqs: readonly number[] }[] = [];
    const unseen: string[] = [];
    let replicas = 0;
    for (const [node, seen] of final) {
      if (!seen) continue;
      for (const { address, state } of seen.value.replicas)
        if (state !== 'online') defects.push({ text: `${node} lists its replica at ${address} as ${state}`, seqs: [seen.seq] });
      if (seen.value.role === 'primary') continue;
      replicas++;
      const { value, seq } = seen;
      const primaryId = ownLine(topology.get(node)?.value ?? [])?.primary;
      const primary = timeline.run.nodes.find(({ id }) => id === primaryId);
      const earlier = primary && timeline.seen('replication', { node: primary.name, fromMs: verifyAtMs, toMs: seen.atMs })[0];
      if (value.link !== 'up' || value.syncInProgress)
        defects.push({ text: `${node} has its link ${value.link}${value.syncInProgress ? ', still syncing' : ''}`, seqs: [seq] });
      else if (!earlier) unseen.push(node);
      else if (earlier.value.replid !== value.replid)
        defects.push({ text: `${node} follows another history than ${primary.name}`, seqs: [earlier.seq, seq] });
      else if (value.offset < earlier.value.offset)
        defects.push({ text: `${node} is ${earlier.value.offset - value.offset} bytes behind ${primary.name}`, seqs: [earlier.seq, seq] });
    }
    if (replicas === 0 && silent(final).length === 0 && timeline.run.nodes.some(({ role }) => role === 'replica')) {
      return violated(
        'no node is a replica any more',
        [...final.values()].flatMap((seen) => seen?.seq ?? []),
      );
    }
    if (defects.length > 0)
      return violated(
        defects.map(({ text }) => text).join('; '),
        defects.flatMap(({ seqs }) => seqs),
      );
    if (unseen.length > 0) return unknown(`the primary of ${unseen.join(', ')} was not seen in the verify phase before it`);
    return heldByAll(
      'INFO replication or topology',
      [final, topology],
      `${replicas} replicas are linked and have reached their primaries' offsets`,
    );
  },
} satisfies Invariant;
