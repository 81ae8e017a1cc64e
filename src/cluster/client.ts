import type { ConnectionOptions } from 'node:tls';
import { Cluster as IoredisCluster, Redis } from 'ioredis';
import { log } from '../base/log.ts';
import { type Host, type Login, namesOf } from '../driver.ts';

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

/**
 * Where to connect, and how to be let in. No certificate is checked: what a node says is to be heard also while it shows
 * a wrong one.
 */
function placeOf({ dial: { host, port, tls, login } }: Host): { host: string; port: number; tls?: ConnectionOptions } & Partial<Login> {
  return { host, port, ...login, ...(tls ? { tls: { ...tls, rejectUnauthorized: false } } : {}) };
}

/** For each node what it may be called in a redirect, and the address that reaches it from here: what ioredis calls a natMap. */
export function natMap(hosts: readonly Pick<Host, 'name' | 'address' | 'dial'>[]): Record<string, { host: string; port: number }> {
  return Object.fromEntries(hosts.flatMap((node) => namesOf(node).map((name) => [name, { host: node.dial.host, port: node.dial.port }])));
}

/** A client as an application has it: it follows redirects and refreshes its slot map. Used for reading back at rest. */
export function connectCluster(hosts: readonly Host[]): IoredisCluster {
  // What is needed to be let in is the same everywhere.
  const { host: _host, port: _port, ...letIn } = hosts[0] ? placeOf(hosts[0]) : { host: '', port: 0 };
  const client = new IoredisCluster(
    hosts.map(({ dial: { host, port } }) => ({ host, port })),
    {
      natMap: natMap(hosts),
      slotsRefreshTimeout: 2_000,
      redisOptions: { commandTimeout: 2_000, ...letIn },
      lazyConnect: true,
    },
  );
  client.on('error', (error: Error) => log.trace({ error: error.message }, 'cluster client'));
  return client;
}

export type { Redis } from 'ioredis';
