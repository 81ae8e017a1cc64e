import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { answeredThroughout, isPrimary, nameOf, ownLine } from '../timeline/claims.ts';
import { failovers, wasAskedFor } from '../timeline/failovers.ts';
import { nodeTimeoutMs } from '../timeline/theory.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** Whether a node called itself a primary with slots all along, and answered. */
function wasLivePrimary(timeline: Timeline, node: string, id: string, atMs: number, spanMs: number): boolean {
  const before = timeline.newest('topology', node, { toMs: atMs - spanMs });
  const said = timeline.seen('topology', { node, fromMs: atMs - spanMs, toMs: atMs }).map(({ value }) => value);
  return (
    answeredThroughout(timeline, node, id, atMs, spanMs) &&
    [...(before ? [before] : []), ...said].every((view) => {
      const own = ownLine(view);
      return own !== undefined && isPrimary(own) && own.slots.length > 0;
    })
  );
}

/**
 * Whether a mark is the observer's own of that moment: one that was silent itself may only have read it, in nodes.conf or in messages
 * that had waited for it.
 */
function isNewMark(timeline: Timeline, observer: string, atMs: number, spanMs: number): boolean {
  const id = ownLine(timeline.newest('topology', observer, { toMs: atMs }) ?? [])?.id ?? '';
  return answeredThroughout(timeline, observer, id, atMs, spanMs);
}

/**
 * The failure that confuses people most: the node answers every PING and was failed over all the same. It counts as
 * answering when it did so throughout the node timeout before the mark or the promotion; one that was silent and came
 * back meanwhile was rightly suspected, and a mark that outlasts its return (clearNodeFailureIfNeeded) is no new one.
 */
export default {
  name: 'live-primary-keeps-its-slots',
  claim: 'No primary that answers clients is marked fail, and none loses its slots to a replica.',
  check(timeline) {
    const { run } = timeline;
    const timeoutMs = nodeTimeoutMs(run);
    const views = timeline.seen('topology', { fromMs: timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY });
    const reasons: { readonly text: string; readonly witnesses: readonly number[] }[] = [];
    const logged = (kind: 'fail' | 'election-won', untilMs: number): number[] =>
      timeline
        .of('log-line')
        .filter((line) => line.kind === kind && line.loggedAtMs >= untilMs - timeoutMs && line.loggedAtMs <= untilMs)
        .map(({ seq }) => seq);

    /** Who flags each member as a failed primary at the moment, by its id, and whether that mark was new when it came. */
    const flagging = new Map<string, Map<string, boolean>>();
    for (const { node, value, atMs, seq } of views) {
      for (const { id, flags } of value) {
        const marks = flagging.get(id) ?? new Map<string, boolean>();
        flagging.set(id, marks);
        if (!flags.includes('fail') || !flags.includes('master')) {
          marks.delete(node);
          continue;
        }
        if (marks.has(node)) continue;
        const name = nameOf(run, id);
        const isNew = isNewMark(timeline, node, atMs, timeoutMs);
        if (isNew && ![...marks.values()].includes(true) && wasLivePrimary(timeline, name, id, atMs, timeoutMs))
          reasons.push({
            text: `${name} was marked fail by ${node} at ${formatMs(atMs)} while it answered PINGs`,
            witnesses: [...logged('fail', atMs), seq],
          });
        marks.set(node, isNew);
      }
    }
    for (const failover of failovers(timeline)) {
      const { by, victim, victimId, atMs, seq } = failover;
      if (!wasAskedFor(timeline, failover) && answeredThroughout(timeline, victim, victimId, atMs, timeoutMs))
        reasons.push({
          text: `${victim} answered PINGs until ${by} took its slots at ${formatMs(atMs)}`,
          witnesses: [...logged('election-won', atMs), seq],
        });
    }
    if (reasons.length > 0)
      return violated(reasons.map(({ text }) => text).join('; '), [...new Set(reasons.flatMap(({ witnesses }) => witnesses))]);

    const unseen = run.nodes.filter(({ name }) => !views.some(({ node }) => node === name)).map(({ name }) => name);
    if (timeline.phaseAtMs('verify') === undefined || unseen.length > 0 || run.nodes.length === 0)
      return unknown(`the topology was not seen to the end${unseen.length > 0 ? ` by ${unseen.join(', ')}` : ''}`);
    return held('no primary that answered was marked fail or deposed');
  },
} satisfies Invariant;
