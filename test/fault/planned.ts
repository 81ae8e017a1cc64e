import type { Json } from '../../src/base/json.ts';
import type { Cluster } from '../../src/cluster.ts';
import { layOut } from '../../src/cluster/form.ts';
import type { Command, Host, Place } from '../../src/driver.ts';
import type { Fault } from '../../src/fault.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { NodeView } from '../../src/timeline/observation.ts';

const host = (name: string, index: number): Host => ({
  name,
  container: name,
  toolbox: `${name}-toolbox`,
  address: `10.0.0.${11 + index}:6379`,
  gateway: '10.0.0.1',
  dial: { host: '127.0.0.1', port: 6379 },
  memoryBytes: 256 * 2 ** 20,
});

const place = (name: string, index: number): Place => ({ name, address: `10.0.0.${21 + index}`, dial: ({ dial }) => dial });

/** Three primaries with a replica each, a spare and two places, on paper. */
export function paperCluster(
  kind: 'redis' | 'valkey' = 'redis',
  version = '7.0.15',
  settings: Record<string, string> = { 'tls-cluster': 'yes' },
): Cluster & { readonly topology: NodeView[] } {
  const nodes = layOut(
    Array.from({ length: 6 }, (_, index) => host(`node-${index + 1}`, index)),
    'paper',
    [1, 1, 1],
  );
  const topology = nodes.map((node, index): NodeView => ({
    id: node.id,
    address: node.address,
    busPort: 16_379,
    flags: [...(index === 0 ? ['myself'] : []), node.primary === null ? 'master' : 'slave'],
    primary: nodes.find(({ name }) => name === node.primary)?.id ?? null,
    pingSentAt: 0,
    pongReceivedAt: 0,
    configEpoch: 1 + (index % 3),
    linked: true,
    slots: node.slots,
    open: [],
  }));
  return {
    engine: { kind, version, image: 'none' },
    nodes,
    spares: [host('spare-1', 6)],
    places: [place('client-1', 0), place('client-2', 1)],
    settings,
    hosts: null as never,
    shapes: 'nfqueue',
    topology,
  };
}

/** What a fault plans for the cluster on paper. */
export const planned = <P extends Json>(fault: Fault<P>, cluster = paperCluster(), seed = 7): P =>
  fault.plan(cluster, cluster.topology, seededRandom(seed)).plan;

/** The text of a script that a command runs. */
export const scriptOf = (command: Command | undefined): string => (command && 'script' in command ? command.script : '');
