import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';

/** From the first answer of a node that it is loading to the first one that it is not, or to its last. */
export default {
  name: 'loads-in-time',
  claim: 'No node takes longer to read its data set into memory than the experiment allows.',
  suits: ({ budget }) => budget.loadingMs !== undefined,
  check(timeline) {
    const limitMs = timeline.run.budget.loadingMs ?? 0;
    const steadyAtMs = timeline.phaseAtMs('steady');
    const loads = timeline.run.nodes.flatMap(({ name }) => {
      const spans: { node: string; fromMs: number; toMs: number; seqs: number[] }[] = [];
      let loading = false;
      for (const { atMs, seq, value } of timeline.seen('persistence', { node: name, fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY })) {
        if (value.loading && !loading) spans.push({ node: name, fromMs: atMs, toMs: atMs, seqs: [seq] });
        const span = spans.at(-1);
        if (span && loading) Object.assign(span, { toMs: atMs, seqs: [span.seqs[0], seq] });
        loading = value.loading;
      }
      return spans;
    });
    const longest = loads.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))[0];
    const tookMs = longest ? longest.toMs - longest.fromMs : 0;
    const said = longest && `${longest.node} was loading for ${formatMs(tookMs)}`;
    if (longest && tookMs > limitMs) return violated(`${said}, the limit is ${formatMs(limitMs)}`, longest.seqs);
    if (steadyAtMs === undefined) return unknown('the run was never steady');
    return heldByAll(
      'INFO persistence',
      [timeline.final('persistence')],
      `${said ?? 'nobody was seen loading'}, the limit is ${formatMs(limitMs)}`,
    );
  },
} satisfies Invariant;
