import { parseDuration, type Duration } from './base/duration.ts';
import { nodeNamed } from './cluster.ts';
import type { Host } from './driver.ts';
import type { Stage } from './experiment.ts';
import type { TopologyView } from './timeline/observation.ts';
import type { Timeline } from './timeline/timeline.ts';

/** The newest view that a node has told; empty where it has told none. */
export const newestView = (timeline: Timeline, node: string): TopologyView => timeline.newest('topology', node) ?? [];

/** CLUSTER MEET, as an operator gives it. */
export function meet({ tell }: Stage, introducer: string, { address }: Pick<Host, 'address'>): Promise<string> {
  const [ip = '', port = ''] = address.split(':');
  return tell(introducer, 'CLUSTER', 'MEET', ip, port);
}

/**
 * A member becomes what a new node is: empty, alone and under an id that nobody has heard of. All the others forget its
 * old one, so that the cluster is as if it had never been there.
 */
export async function estrange({ cluster, ask, tell, rename }: Stage, name: string): Promise<void> {
  const { id } = nodeNamed(cluster, name);
  await tell(name, 'CLUSTER', 'RESET', 'HARD');
  for (const other of cluster.nodes) if (other.name !== name) await ask(other.name, 'CLUSTER', 'FORGET', id);
  await rename(name);
}

/** Asks a node to replicate a primary until it knows that one, and says whether it did in time. */
export async function replicate({ ask, sleep }: Stage, node: string, primary: string, within: Duration): Promise<boolean> {
  const deadlineMs = performance.now() + parseDuration(within);
  for (;;) {
    if ((await ask(node, 'CLUSTER', 'REPLICATE', primary)) === 'OK') return true;
    if (performance.now() > deadlineMs) return false;
    await sleep('250ms');
  }
}
