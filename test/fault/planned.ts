import type { Json } from '../../src/base/json.ts';
import type { Cluster } from '../../src/cluster.ts';
import { layOut, nodesConf } from '../../src/cluster/form.ts';
import type { Command, CommandResult, Host, HostUsage, Place } from '../../src/driver.ts';
import type { Fault } from '../../src/fault.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { NodeView } from '../../src/timeline/observation.ts';
import type { Counters } from '../../src/traffic.ts';

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
    patience: new Map(),
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

const usage: HostUsage = { memoryBytes: 0, memoryLimitBytes: 0, throttledPeriods: 0 };
const counters: Counters = {
  way: 'nfqueue',
  in: 0,
  out: 0,
  held: 0,
  delayed: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  corrupted: 0,
  holding: false,
  overrun: 0,
};

/** What a node of the cluster on paper answers to which nothing was done; a script that finds nothing prints nothing. */
export function untouched(command: Command): CommandResult {
  const { engine, nodes } = paperCluster();
  const script = scriptOf(command);
  const own = nodes.find(({ name }) => name === command.node);
  const output =
    command.run === 'usage'
      ? JSON.stringify(usage)
      : script === '$CLI CLUSTER NODES' && own
        ? nodesConf(nodes, own, engine).replace(/^vars .*$/m, '')
        : script.includes('holding=false')
          ? JSON.stringify(counters)
          : '';
  return { exitCode: 0, output };
}
