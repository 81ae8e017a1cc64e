import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { nameOf, ownLine, roleChanges, sharedSlots } from '../timeline/claims.ts';

/** The failure that confuses people most: the node answers every PING and was failed over all the same. */
export default {
  name: 'live-primary-keeps-its-slots',
  claim: 'No primary that answers clients is marked fail, and none loses its slots to a replica.',
  check(timeline) {
    const { run } = timeline;
    const steadyAtMs = timeline.phaseAtMs('steady');
    const views = timeline.seen('topology', { fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY });
    if (timeline.phaseAtMs('verify') === undefined || views.length === 0) return unknown('the topology was not seen to the end');
    const first = new Map(
      run.nodes.flatMap(({ name }) => ownLine(views.find(({ node }) => node === name)?.value ?? []) ?? []).map((own) => [own.id, own]),
    );
    const reasons: { readonly text: string; readonly witnesses: readonly number[] }[] = [];
    for (const promotion of roleChanges(timeline).filter(({ to }) => to === 'primary')) {
      const victim = [...first.values()].find(
        (own) => own.flags.includes('master') && nameOf(run, own.id) !== promotion.node && sharedSlots(own.slots, promotion.slots) > 0,
      );
      const name = victim && nameOf(run, victim.id);
      const pings = name ? timeline.seen('ping', { node: name, fromMs: promotion.atMs - 1_000, toMs: promotion.atMs }) : [];
      if (name && pings.length > 0)
        reasons.push({
          text: `${name} answered ${pings.length} PINGs in the second before ${promotion.node} took its slots at ${formatMs(promotion.atMs)}`,
          witnesses: [pings[0]?.seq ?? promotion.seq, promotion.seq],
        });
    }
    const failed = views.find(({ value, atMs }) =>
      value.some(
        (peer) =>
          peer.flags.includes('fail') &&
          first.get(peer.id)?.flags.includes('master') &&
          timeline.seen('ping', { node: nameOf(run, peer.id), fromMs: atMs - 1_000, toMs: atMs }).length > 0,
      ),
    );
    if (failed) {
      const peer = failed.value.find(({ flags, id }) => flags.includes('fail') && first.has(id));
      reasons.unshift({
        text: `${nameOf(run, peer?.id ?? '')} was marked fail by ${failed.node} at ${formatMs(failed.atMs)} while it answered PINGs`,
        witnesses: [failed.seq],
      });
    }
    if (reasons.length > 0)
      return violated(
        reasons.map(({ text }) => text).join('; '),
        reasons.flatMap(({ witnesses }) => witnesses),
      );
    return held('no primary that answered was marked fail or deposed');
  },
} satisfies Invariant;
