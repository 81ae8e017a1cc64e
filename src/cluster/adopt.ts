import { UsageError } from '../base/errors.ts';
import { poll } from '../base/poll.ts';
import { together } from '../base/together.ts';
import type { Cluster, Node } from '../cluster.ts';
import type { Driver } from '../driver.ts';
import { connectNode } from './client.ts';
import { ParseError, parseClusterNodes } from './topology.ts';

/** Settings that plans, bounds and reports ask for; defaults of the engine included. */
const asked = ['cluster-node-timeout', 'repl-diskless-sync-delay', 'save', 'appendonly'];

/**
 * The cluster of a run that another process formed, as it is now: roles and slots are today's. Every node must answer;
 * one that does not is named in a UsageError.
 */
export async function adoptCluster(driver: Driver, runId: string): Promise<Cluster> {
  const hosts = await driver.adopt(runId);
  const told = await together(hosts.hosts, async (host) => {
    const client = connectNode(host, { timeoutMs: 1_000, name: 'slotquake-adopt' });
    try {
      const view = await poll('an answer', async () => parseClusterNodes(String(await client.call('CLUSTER', 'NODES'))), {
        withinMs: 2_000,
      });
      const own = view.find(({ flags }) => flags.includes('myself'));
      if (!own) throw new ParseError('a line of itself in CLUSTER NODES', view);
      const version = /^(redis|valkey)_version:(\S+)/gm;
      const versions = new Map([...(await client.info('server')).matchAll(version)].map(([, kind, number]) => [kind, number as string]));
      const settings = await together(asked, async (name) => {
        const [, value = ''] = (await client.call('CONFIG', 'GET', name)) as string[];
        return [name, value] as const;
      });
      return { host, own, versions, settings };
    } catch (error) {
      throw new UsageError(
        `expected every node of ${runId} to answer, but ${host.name} does not (${(error as Error).message}); look at \`docker ps -a\``,
      );
    } finally {
      client.disconnect();
    }
  });
  const [first] = told;
  if (!first) throw new UsageError(`the run ${runId} has no nodes; \`slotquake up\` makes some`);
  const nodes = told.map(({ host, own }): Node => ({
    ...host,
    id: own.id,
    formedAs: own.primary === null ? 'primary' : 'replica',
    slots: own.slots,
    primary: told.find((other) => other.own.id === own.primary)?.host.name ?? null,
  }));
  const valkey = first.versions.get('valkey');
  return {
    engine: { kind: valkey ? 'valkey' : 'redis', version: valkey ?? first.versions.get('redis') ?? 'unknown', image: 'adopted' },
    nodes,
    settings: Object.fromEntries(first.settings),
    hosts,
  };
}
