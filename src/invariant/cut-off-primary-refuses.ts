import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { isPrimary, ownLine, spanOf } from '../timeline/claims.ts';

/**
 * Asked of every primary that a fault isolates, by what it says itself: one that says cluster_state:fail refuses. What a primary acknowledges before that is for nobody but the clients on its side.
 */
export default {
  name: 'cut-off-primary-refuses',
  claim: 'A primary that is cut off from the majority refuses writes no later than the experiment allows.',
  suits: ({ budget }) => budget.aloneMs !== undefined,
  check(timeline) {
    const limitMs = timeline.run.budget.aloneMs;
    if (limitMs === undefined) return unknown('the experiment sets no limit');
    const took: string[] = [];
    for (const { fault, exposes } of timeline.of('fault-injecting')) {
      const { injectedAtMs, healedAtMs } = spanOf(timeline, fault);
      for (const { node } of exposes.filter(({ how }) => how === 'isolated')) {
        const before = timeline.seen('topology', { node, toMs: injectedAtMs }).at(-1);
        const own = before && ownLine(before.value);
        if (!own || !isPrimary(own)) continue;
        const said = timeline.seen('cluster-info', { node, fromMs: injectedAtMs, toMs: healedAtMs });
        const refusing = said.find(({ value }) => value.state === 'fail');
        const stillOk = said.find(({ atMs, value }) => value.state === 'ok' && atMs - injectedAtMs > limitMs);
        if (stillOk && !(refusing && refusing.atMs < stillOk.atMs))
          return violated(
            `${node} still said ok ${formatMs(stillOk.atMs - injectedAtMs)} after it was cut off, where ${formatMs(limitMs)} are allowed`,
            [stillOk.seq],
          );
        if (refusing) took.push(`${node} refused after ${formatMs(refusing.atMs - injectedAtMs)}`);
      }
    }
    if (took.length === 0) return unknown(`no primary was seen to be cut off for more than ${formatMs(limitMs)}`);
    return held(`${took.join('; ')}, where ${formatMs(limitMs)} are allowed`);
  },
} satisfies Invariant;
