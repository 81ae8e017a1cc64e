import { messageOf, SlotquakeError } from '../base/errors.ts';
import { poll } from '../base/poll.ts';
import { together } from '../base/together.ts';
import type { Cluster, Node } from '../cluster.ts';
import { quote } from '../driver/container/shell.ts';

/**
 * Nodes that start one after another would mark those to come as failed, were the time between the first and the last
 * longer than their node timeout. So they start with a longer one, and get their own as soon as all agree.
 */
const patientMs = 60_000;
const file = 'patience';
const timeout = 'cluster-node-timeout';

/** The node timeout that a node with these settings gets in the end; null where it can have that from the start, or must. */
export function ownTimeout(settings: Readonly<Record<string, string>>): string | null {
  const own = settings[timeout];
  const closed = /^"?config"? /im.test(settings['rename-command'] ?? '');
  return own === undefined || closed || !(Number(own) < patientMs) ? null : own;
}

/** What starts an engine for its first time with the longer node timeout, and every later time with that of its configuration. */
export const patiently = (
  argv: readonly string[],
): { readonly argv: readonly string[]; readonly files: Readonly<Record<string, string>> } => ({
  argv: ['sh', '-c', `exec ${quote(argv)} $(cat /data/${file} 2>/dev/null && rm /data/${file})`],
  files: { [file]: `--${timeout} ${patientMs}` },
});

/** Gives every node of an agreed cluster its own node timeout. Throws where one does not take it. */
export async function endPatience({ nodes, patience }: Cluster): Promise<void> {
  await together(nodes, async (node) => {
    const own = patience.get(node.name);
    if (own !== undefined) await setTimeoutOf(node, own);
  });
}

async function setTimeoutOf(node: Node, own: string): Promise<void> {
  const { connectNode } = await import('./client.ts');
  const client = connectNode(node, { timeoutMs: 1_000, name: 'slotquake-form' });
  try {
    await poll(`${node.name} to take its ${timeout}`, () => client.call('CONFIG', 'SET', timeout, own), { withinMs: 10_000, everyMs: 20 });
  } catch (error) {
    throw new SlotquakeError(`${messageOf(error)}; a cluster can be formed only where CONFIG SET is allowed`);
  } finally {
    client.disconnect();
  }
}
