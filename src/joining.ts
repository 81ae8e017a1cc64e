import { parseDuration, type Duration } from './base/duration.ts';
import { InconclusiveError } from './base/errors.ts';
import { nodeNamed } from './cluster.ts';
import type { Host } from './driver.ts';
import type { Stage } from './experiment.ts';
import type { TopologyView } from './timeline/observation.ts';
import type { Timeline } from './timeline/timeline.ts';

/** The newest view that a node has told; empty where it has told none. */
export const newestView = (timeline: Timeline, node: string): TopologyView => timeline.newest('topology', node) ?? [];

/** How long a node that has just been started may go on loading its data before it takes orders; the data of a run are few. */
const loadedWithinMs = 5_000;

/**
 * CLUSTER MEET, as an operator gives it: repeated while the node answers that it is loading its data, for it takes no such
 * order before it has. Any other refusal makes the run inconclusive.
 */
export async function meet({ ask, sleep }: Stage, introducer: string, { address }: Pick<Host, 'address'>): Promise<void> {
  const [ip = '', port = ''] = address.split(':');
  const deadlineMs = performance.now() + loadedWithinMs;
  for (;;) {
    const answer = await ask(introducer, 'CLUSTER', 'MEET', ip, port);
    if (answer === 'OK') return;
    if (!answer.startsWith('LOADING') || performance.now() > deadlineMs)
      throw new InconclusiveError(`${introducer} refused CLUSTER MEET ${ip} ${port}: ${answer}`);
    await sleep('50ms');
  }
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
