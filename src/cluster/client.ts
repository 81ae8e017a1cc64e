import type { ConnectionOptions } from 'node:tls';
import { Cluster as IoredisCluster, Redis } from 'ioredis';
import { log } from '../base/log.ts';
import type { Host } from '../driver.ts';

/**
 * A bare connection to one node: no offline queue, no retry of commands, no redirects followed. What the server says,
 * or does not say, is what the caller gets. It reconnects by itself, because a node that was gone comes back.
 */
export function connectNode(host: Host, { timeoutMs, name }: { readonly timeoutMs: number; readonly name: string }): Redis {
  const client = new Redis({
    ...placeOf(host),
    connectionName: name,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: Math.max(250, timeoutMs),
    commandTimeout: timeoutMs,
    retryStrategy: () => 50,
    lazyConnect: true,
  });
  // Without a listener ioredis prints connection errors itself; every command reports them anyway.
  client.on('error', (error: Error) => log.trace({ node: host.name, error: error.message }, 'connection'));
  client.connect().catch(() => {});
  return client;
}

/** Where to connect, over TLS where the node wants that. The name is not checked: the engines do not check it either. */
function placeOf({ dial: { host, port, tls } }: Host): { host: string; port: number; tls?: ConnectionOptions } {
  return { host, port, ...(tls ? { tls: { ...tls, checkServerIdentity: () => undefined } } : {}) };
}

/** For each node the address it announces and the one that reaches it from here: what ioredis calls a natMap. */
export function natMap(hosts: readonly Host[]): Record<string, { host: string; port: number }> {
  return Object.fromEntries(hosts.map(({ address, dial: { host, port } }) => [address, { host, port }]));
}

/** A client as an application has it: it follows redirects and refreshes its slot map. Used for reading back at rest. */
export function connectCluster(hosts: readonly Host[]): IoredisCluster {
  const tls = hosts[0] && placeOf(hosts[0]).tls;
  const client = new IoredisCluster(
    hosts.map(({ dial: { host, port } }) => ({ host, port })),
    {
      natMap: natMap(hosts),
      slotsRefreshTimeout: 2_000,
      redisOptions: { commandTimeout: 2_000, ...(tls ? { tls } : {}) },
      lazyConnect: true,
    },
  );
  client.on('error', (error: Error) => log.trace({ error: error.message }, 'cluster client'));
  return client;
}

export type { Redis } from 'ioredis';
