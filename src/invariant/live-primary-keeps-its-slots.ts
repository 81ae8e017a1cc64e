import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { answeredThroughout, isPrimary, nameOf, ownLine, roleChanges, sharedSlots } from '../timeline/claims.ts';
import { nodeTimeoutMs } from '../timeline/theory.ts';

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
    const first = run.nodes.flatMap(({ name }) => ownLine(views.find(({ node }) => node === name)?.value ?? []) ?? []);
    const primaries = new Map(first.filter(isPrimary).map((own) => [own.id, own]));
    const reasons: { readonly text: string; readonly witnesses: readonly number[] }[] = [];
    const logged = (kind: 'fail' | 'election-won', untilMs: number): number[] =>
      timeline
        .of('log-line')
        .filter((line) => line.kind === kind && line.loggedAtMs >= untilMs - timeoutMs && line.loggedAtMs <= untilMs)
        .map(({ seq }) => seq);

    /** Who flags each primary as fail at the moment. */
    const flagging = new Map([...primaries.keys()].map((id) => [id, new Set<string>()]));
    for (const { node, value, atMs, seq } of views) {
      for (const { id, flags } of value) {
        const observers = flagging.get(id);
        if (!observers) continue;
        const name = nameOf(run, id);
        if (!flags.includes('fail')) observers.delete(node);
        else {
          if (observers.size === 0 && answeredThroughout(timeline, name, id, atMs, timeoutMs)) {
            reasons.push({
              text: `${name} was marked fail by ${node} at ${formatMs(atMs)} while it answered PINGs`,
              witnesses: [...logged('fail', atMs), seq],
            });
          }
          observers.add(node);
        }
      }
    }
    for (const { node, slots, atMs, seq } of roleChanges(timeline).filter(({ to }) => to === 'primary')) {
      const victim = [...primaries.values()].find((own) => nameOf(run, own.id) !== node && sharedSlots(own.slots, slots) > 0);
      const name = victim && nameOf(run, victim.id);
      if (name && answeredThroughout(timeline, name, victim.id, atMs, timeoutMs)) {
        reasons.push({
          text: `${name} answered PINGs until ${node} took its slots at ${formatMs(atMs)}`,
          witnesses: [...logged('election-won', atMs), seq],
        });
      }
    }
    if (reasons.length > 0)
      return violated(reasons.map(({ text }) => text).join('; '), [...new Set(reasons.flatMap(({ witnesses }) => witnesses))]);

    const unseen = run.nodes.filter(({ name }) => !views.some(({ node }) => node === name)).map(({ name }) => name);
    if (timeline.phaseAtMs('verify') === undefined || unseen.length > 0 || run.nodes.length === 0)
      return unknown(`the topology was not seen to the end${unseen.length > 0 ? ` by ${unseen.join(', ')}` : ''}`);
    return held('no primary that answered was marked fail or deposed');
  },
} satisfies Invariant;
