import type { RunInfo } from '../timeline.ts';
import { ever } from './ever.ts';
import type { NodeView, TopologyView } from './observation.ts';
import type { Fold, Timeline } from './timeline.ts';

export const slotCount = 16_384;

/** What a node says of itself: its own line counts, gossip about it does not. */
export const ownLine = (view: TopologyView): NodeView | undefined => view.find(({ flags }) => flags.includes('myself'));

export const isPrimary = (node: NodeView): boolean => node.flags.includes('master');

/** How many primaries claim each slot, by what each node says of itself. */
export function claimsOfSlots(views: Iterable<TopologyView>): Uint16Array {
  const claims = new Uint16Array(slotCount);
  for (const view of views) {
    const own = ownLine(view);
    if (!own || !isPrimary(own)) continue;
    for (const [first, last] of own.slots) for (let slot = first; slot <= last; slot++) claims[slot] = (claims[slot] ?? 0) + 1;
  }
  return claims;
}

/** For a person: `0–5460, 7000`. */
export const rangesText = (ranges: NodeView['slots']): string =>
  ranges.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');

/** How many slots ranges cover; they must not overlap. */
export const covered = (ranges: NodeView['slots']): number => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** The ranges of slots that are in both lists. */
export const sharedRanges = (a: NodeView['slots'], b: NodeView['slots']): (readonly [first: number, last: number])[] =>
  a.flatMap(([first, last]) =>
    b.flatMap(([other, end]) => (other <= last && first <= end ? [[Math.max(first, other), Math.min(last, end)] as const] : [])),
  );

/**
 * The slots of a node without those that it gives away just now, which are no longer its own alone: what it has no key of it
 * sends to the new owner (cluster.c getNodeByQuery).
 */
export function keptSlots({ slots, open }: Pick<NodeView, 'slots' | 'open'>): NodeView['slots'] {
  let kept = slots;
  for (const { slot, direction } of open) {
    if (direction !== 'migrating') continue;
    const pieces = kept.flatMap(([first, last]): NodeView['slots'] => [
      [first, Math.min(last, slot - 1)],
      [Math.max(first, slot + 1), last],
    ]);
    kept = pieces.filter(([first, last]) => first <= last);
  }
  return kept;
}

/** How many slots two lists of ranges share. */
export const sharedSlots = (a: NodeView['slots'], b: NodeView['slots']): number => covered(sharedRanges(a, b));

/** The name of a node by its id, or a short form of the id. */
export const nameOf = (run: Pick<RunInfo, 'nodes'>, id: string): string =>
  run.nodes.find((node) => node.id === id || node.formerIds?.includes(id))?.name ?? `${id.slice(0, 8)}…`;

/** A node was seen to change its own role. */
export interface RoleChange {
  readonly node: string;
  readonly to: 'primary' | 'replica';
  readonly atMs: number;
  readonly seq: number;
  readonly slots: NodeView['slots'];
}

const roles: Fold<'topology', { readonly primary: Map<string, boolean>; readonly changes: RoleChange[] }> = {
  probe: 'topology',
  start: () => ({ primary: new Map(), changes: [] }),
  step: ({ primary, changes }, { node, value, atMs, seq }) => {
    const own = ownLine(value);
    if (!own) return;
    const now = isPrimary(own);
    if (primary.has(node) && primary.get(node) !== now)
      changes.push({ node, to: now ? 'primary' : 'replica', atMs, seq, slots: own.slots });
    primary.set(node, now);
  },
};

/** Every change of role that a node reported of itself after the run was steady, oldest first. */
export function roleChanges(timeline: Timeline): RoleChange[] {
  const steadyAtMs = timeline.phaseAtMs('steady') ?? 0;
  return timeline.folded(roles).changes.filter(({ atMs }) => atMs >= steadyAtMs);
}

/** Somebody else has become the primary of slots that this node had at the start. */
export function replaced(timeline: Timeline, node: string): boolean {
  const lost = timeline.run.nodes.find(({ name }) => name === node)?.slots ?? [];
  return roleChanges(timeline).some((change) => change.to === 'primary' && change.node !== node && sharedSlots(change.slots, lost) > 0);
}

/** The newest that a node said of the cluster's state is fail: it refuses. */
export const refuses = (timeline: Timeline, node: string): boolean => timeline.newest('cluster-info', node)?.state === 'fail';

/** What a node said last of the member with this id. */
export const listedBy = (timeline: Timeline, node: string, id: string): NodeView | undefined =>
  timeline.newest('topology', node)?.find((peer) => peer.id === id);

/** A condition for `until`: somebody lists the member with this id as failed. Make it once, outside the look. */
export const markedFail = (id: string): ((timeline: Timeline) => boolean) =>
  ever('topology', ({ value }) => value.some((peer) => peer.id === id && peer.flags.includes('fail')));

/** Nodes that gave no answer; the maps are those of `Timeline.final`. */
export const silent = (...finals: readonly ReadonlyMap<string, unknown>[]): string[] => [
  ...new Set(finals.flatMap((final) => [...final].filter(([, seen]) => !seen).map(([node]) => node))),
];

/** Whether the process of a node has ended, as far as its container and its log tell, and no other has started since. */
export function hasEnded(timeline: Timeline, node: string): boolean {
  const exit = timeline.of('container-exited').findLast((event) => event.node === node);
  return (
    exit !== undefined && !timeline.of('log-line').some((line) => line.kind === 'started' && line.node === node && line.seq > exit.seq)
  );
}

/** A fault was seen to bite. */
export const bitten = (timeline: Timeline, { id }: { readonly id: number }): boolean =>
  timeline.of('fault-effective').some(({ fault }) => fault === id);

/** When a fault took hold and when it was healed: never, where the record does not say so. */
export function spanOf(timeline: Timeline, fault: number): { readonly injectedAtMs: number; readonly healedAtMs: number } {
  const at = (type: 'fault-injecting' | 'fault-injected' | 'fault-healed'): number | undefined =>
    timeline.of(type).find((event) => event.fault === fault)?.atMs;
  return { injectedAtMs: at('fault-injected') ?? at('fault-injecting') ?? 0, healedAtMs: at('fault-healed') ?? Number.POSITIVE_INFINITY };
}

/**
 * Whether a node answered our PINGs as the member of this id throughout the `spanMs` before a moment, with no silence of half that time. A lone
 * answer is not enough: a node that has just thawed gives one too.
 */
export function answeredThroughout(timeline: Timeline, node: string, id: string, atMs: number, spanMs: number): boolean {
  const fromMs = Math.max(0, atMs - spanMs);
  // Who has died meanwhile did not answer throughout, however fast it was started again.
  if (timeline.of('container-exited').some((exit) => exit.node === node && exit.atMs >= fromMs && exit.atMs <= atMs)) return false;
  // A process that came back under another id is a stranger, and not the primary that was there.
  if (timeline.seen('topology', { node, fromMs, toMs: atMs }).some(({ value }) => ownLine(value)?.id !== id)) return false;
  const answers = timeline.seen('ping', { node, fromMs, toMs: atMs }).map((seen) => seen.atMs);
  const moments = [fromMs, ...answers, atMs];
  return answers.length > 0 && moments.every((moment, index) => moment - (moments[index - 1] ?? moment) < spanMs / 2);
}
