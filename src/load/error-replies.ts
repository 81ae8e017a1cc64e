import { together } from '../base/together.ts';
import type { Cluster } from '../cluster.ts';
import { Connection } from './connection.ts';

export type ErrorReplies = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * How many error replies of each kind every node has given since it was started (INFO errorstats, from Redis 6.2 on;
 * server.c afterErrorReply). It counts what a client library hides. A node that does not tell is left out.
 */
export async function errorReplies(nodes: Cluster['nodes']): Promise<ErrorReplies> {
  const told = await together(nodes, async (node) => {
    using connection = new Connection(node.dial, { name: 'slotquake-errors', timeoutMs: 500 });
    await connection.settled();
    const [reply] = await connection.request([['INFO', 'errorstats']]).catch(() => ['']);
    const text = typeof reply === 'string' ? reply : '';
    const counts = [...text.matchAll(/^errorstat_([^:]+):count=(\d+)/gm)].map(([, kind = '', count]) => [kind, Number(count)] as const);
    return /^# errorstats/im.test(text) ? [[node.name, new Map(counts)] as const] : [];
  });
  return new Map(told.flat());
}

/** What came between two looks, over all nodes; a node that was started in between counts from its start. Null: nobody told. */
export function grown(before: ErrorReplies, after: ErrorReplies): Record<string, number> | null {
  if (after.size === 0) return null;
  const sum: Record<string, number> = {};
  for (const [node, counts] of after) {
    const earlier = before.get(node);
    const restarted = [...(earlier ?? [])].some(([kind, count]) => (counts.get(kind) ?? 0) < count);
    for (const [kind, count] of counts) {
      const more = count - (restarted ? 0 : (earlier?.get(kind) ?? 0));
      if (more > 0) sum[kind] = (sum[kind] ?? 0) + more;
    }
  }
  return sum;
}
