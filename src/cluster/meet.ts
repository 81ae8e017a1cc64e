import { poll } from '../base/poll.ts';
import { together } from '../base/together.ts';
import type { Cluster, Node } from '../cluster.ts';
import { ipOf } from '../driver.ts';
import { connectNode, type Redis } from './client.ts';

/** Joins strangers the way operators do: slots, distinct epochs, MEET, then REPLICATE once everybody is known. */
export async function meet(cluster: Cluster, signal?: AbortSignal): Promise<Cluster> {
  const clients = new Map<string, Redis>(
    cluster.nodes.map((node) => [node.name, connectNode(node, { timeoutMs: 1_000, name: 'slotquake-form' })]),
  );
  const call = async (node: Node, ...[command, ...args]: [string, ...(string | number)[]]): Promise<unknown> =>
    clients.get(node.name)?.call(command, ...args);
  try {
    await poll('every engine to answer', () => together(cluster.nodes, (node) => call(node, 'PING')), { withinMs: 15_000, signal });
    const nodes = await together(cluster.nodes, async (node) => ({ ...node, id: String(await call(node, 'CLUSTER', 'MYID')) }));
    await together(nodes, async (node, index) => {
      await call(node, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      for (const [first, last] of node.slots)
        await call(node, 'CLUSTER', 'ADDSLOTS', ...Array.from({ length: last - first + 1 }, (_, offset) => first + offset));
    });
    const [first, ...others] = nodes;
    for (const other of others) await call(first as Node, 'CLUSTER', 'MEET', ipOf(other), 6379);
    await poll(
      'every node to know all the others',
      () =>
        together(nodes, async (node) => {
          const view = String(await call(node, 'CLUSTER', 'NODES'));
          const missing = nodes.filter(({ id }) => !view.split('\n').some((line) => line.startsWith(id) && !line.includes('handshake')));
          if (missing.length > 0) throw new Error(`${node.name} does not know ${missing.map(({ name }) => name).join(', ')}`);
        }),
      { withinMs: 20_000, everyMs: 100, signal },
    );
    for (const node of nodes.filter(({ primary }) => primary !== null)) {
      await poll(
        `${node.name} to replicate ${node.primary}`,
        () => call(node, 'CLUSTER', 'REPLICATE', nodes.find(({ name }) => name === node.primary)?.id ?? ''),
        { withinMs: 10_000, signal },
      );
    }
    return { ...cluster, nodes };
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}
