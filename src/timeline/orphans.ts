import { isPrimary, nameOf, ownLine } from './claims.ts';
import type { NodeView } from './observation.ts';
import type { Timeline } from './timeline.ts';

/** Keys in a node's memory of slots that its shard does not serve. */
export interface Orphans {
  readonly node: string;
  readonly keys: number;
  readonly slots: readonly number[];
  readonly seq: number;
}

/**
 * In the final state, by what each shard's primary says of itself. Keys of a slot that is being imported are on their way
 * and no orphans; a replica may have what its primary may have. A node that does not tell enough has none here.
 */
export function orphans(timeline: Timeline): Orphans[] {
  const topology = timeline.final('topology');
  const ownLineOf = (node: string): NodeView | undefined => ownLine(topology.get(node)?.value ?? []);
  return [...timeline.final('slot-keys')].flatMap(([node, seen]) => {
    const own = ownLineOf(node);
    if (!seen || !own) return [];
    const told = topology.get(node)?.value.find(({ id }) => id === own.primary);
    const above = (line: NodeView): NodeView | undefined => ownLineOf(nameOf(timeline.run, line.primary ?? ''));
    let head = isPrimary(own) ? own : (above(own) ?? told);
    // A replica of a replica has what the primary of the whole chain has.
    for (let links = 0; head && !isPrimary(head) && links < timeline.run.nodes.length; links++) head = above(head);
    if (!head) return [];
    const rightful = (slot: number): boolean =>
      [own, head].some(
        (line) =>
          line?.slots.some(([first, last]) => first <= slot && slot <= last) ||
          line?.open.some((open) => open.slot === slot && open.direction === 'importing'),
      );
    const strays = seen.value.counts.filter(([slot]) => !rightful(slot));
    if (strays.length === 0) return [];
    return [{ node, keys: strays.reduce((sum, [, keys]) => sum + keys, 0), slots: strays.map(([slot]) => slot), seq: seen.seq }];
  });
}
