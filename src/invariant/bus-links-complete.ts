import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { nameOf } from '../timeline/claims.ts';

export default {
  name: 'bus-links-complete',
  claim: 'In the end every node has one bus link to and one from every other.',
  check(timeline) {
    const { run } = timeline;
    const views = timeline.final('topology');
    if (run.engine.kind === 'redis' && Number(run.engine.version.split('.')[0]) < 7) {
      // The weaker question: outgoing links only, as CLUSTER NODES shows them.
      const cut = [...views.values()].flatMap((seen) =>
        seen ? seen.value.filter((peer) => !peer.linked && !peer.flags.includes('myself')).map((peer) => ({ seen, peer })) : [],
      );
      if (cut.length > 0)
        return violated(
          cut.map(({ seen, peer }) => `${seen.node} has no link to ${nameOf(run, peer.id)}`).join('; '),
          cut.map(({ seen }) => seen.seq),
        );
      return heldByAll('topology', [views], 'every node is linked to every other (outgoing links only: the engine has no CLUSTER LINKS)');
    }
    const final = timeline.final('links');
    const defects: { readonly text: string; readonly seq: number }[] = [];
    for (const seen of final.values()) {
      if (!seen) continue;
      for (const peer of run.nodes.filter(({ name }) => name !== seen.node)) {
        for (const direction of ['to', 'from'] as const) {
          const count = seen.value.filter((link) => link.node === peer.id && link.direction === direction).length;
          if (count !== 1) defects.push({ text: `${seen.node} has ${count} links ${direction} ${peer.name}`, seq: seen.seq });
        }
      }
    }
    if (defects.length > 0)
      return violated(
        defects
          .slice(0, 6)
          .map(({ text }) => text)
          .join('; '),
        [...new Set(defects.map(({ seq }) => seq))],
      );
    return heldByAll('CLUSTER LINKS', [final], `each of ${final.size} nodes has one link to and one from every other`);
  },
} satisfies Invariant;
