import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { nameOf } from '../timeline/claims.ts';

const suspicious = (flags: readonly string[]): boolean => flags.includes('fail?') || flags.includes('fail');

/**
 * A suspicion is one node that begins to flag one other as fail? or fail; going from the one to the other is the same
 * suspicion. Five nodes that lose sight of a sixth are five, and flapping is many. Shorter ones than the interval of the
 * probes may be missed, so that the true number is no smaller.
 */
export default {
  name: 'suspicions-bounded',
  claim: 'Nodes do not suspect one another more often than the experiment allows.',
  suits: ({ budget }) => budget.suspicions !== undefined,
  check(timeline) {
    const { run } = timeline;
    const allowed = run.budget.suspicions ?? 0;
    const views = timeline.seen('topology', { fromMs: timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY });
    const suspected = new Map<string, Set<string>>();
    const found: { readonly text: string; readonly seq: number }[] = [];
    for (const { node, value, atMs, seq } of views) {
      const before = suspected.get(node) ?? new Set();
      const now = new Set(value.filter(({ flags }) => suspicious(flags)).map(({ id }) => id));
      for (const id of now) if (!before.has(id)) found.push({ text: `${node} suspected ${nameOf(run, id)} at ${formatMs(atMs)}`, seq });
      suspected.set(node, now);
    }
    if (found.length > allowed)
      return violated(
        `${found.length} suspicions, where ${allowed} are allowed: ${found
          .slice(0, 5)
          .map(({ text }) => text)
          .join('; ')}${found.length > 5 ? '; …' : ''}`,
        found.map(({ seq }) => seq),
      );
    return heldByAll('topology', [timeline.final('topology')], `${found.length} suspicions, where ${allowed} are allowed`);
  },
} satisfies Invariant;
