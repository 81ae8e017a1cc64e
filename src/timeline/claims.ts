import type { RunInfo } from '../timeline.ts';
import type { NodeView, TopologyView } from './observation.ts';
import type { Seen, Timeline } from './timeline.ts';

export const slotCount = 16_384;

/** What a node says of itself: its own line counts, gossip about it does not. */
export const ownLine = (view: TopologyView): NodeView | undefined => view.find(({ flags }) => flags.includes('myself'));

export const isPrimary = (node: NodeView): boolean => node.flags.includes('master');

/** Owner of every slot as one view has it; -1 stands for nobody. */
export function slotMap(view: TopologyView): Map<string, string> {
  return new Map(view.filter(isPrimary).flatMap(({ id, slots }) => slots.map(([first, last]) => [`${first}-${last}`, id] as const)));
}

/** How many slots ranges cover; they must not overlap. */
export const covered = (ranges: NodeView['slots']): number => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** Slots that two lists of ranges share. */
export function sharedSlots(a: NodeView['slots'], b: NodeView['slots']): number {
  let shared = 0;
  for (const [first, last] of a) for (const [other, end] of b) shared += Math.max(0, Math.min(last, end) - Math.max(first, other) + 1);
  return shared;
}

/** The name of a node by its id, or a short form of the id. */
export const nameOf = (run: RunInfo, id: string): string => run.nodes.find((node) => node.id === id)?.name ?? `${id.slice(0, 8)}…`;

/** A node was seen to change its own role. */
export interface RoleChange {
  readonly node: string;
  readonly to: 'primary' | 'replica';
  readonly atMs: number;
  readonly seq: number;
  readonly slots: NodeView['slots'];
}

/** Every change of role that a node reported of itself after the run was steady, oldest first. */
export function roleChanges(timeline: Timeline): RoleChange[] {
  const role = new Map<string, boolean>();
  const changes: RoleChange[] = [];
  const steadyAtMs = timeline.phaseAtMs('steady') ?? 0;
  for (const { node, value, atMs, seq } of timeline.seen('topology')) {
    const own = ownLine(value);
    if (!own) continue;
    const primary = isPrimary(own);
    if (atMs >= steadyAtMs && role.has(node) && role.get(node) !== primary)
      changes.push({ node, to: primary ? 'primary' : 'replica', atMs, seq, slots: own.slots });
    role.set(node, primary);
  }
  return changes;
}

/** Sentences naming what each node lacks, or what came from it; nodes without an answer are named. */
export const silent = (final: ReadonlyMap<string, Seen<never> | null> | ReadonlyMap<string, unknown>): string[] =>
  [...final].filter(([, seen]) => !seen).map(([node]) => node);
