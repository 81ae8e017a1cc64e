import type { ClusterOptions } from 'ioredis';
import type { Cluster } from '../cluster.ts';
import { natMap } from '../cluster/client.ts';
import { log } from '../base/log.ts';
import { messageOf } from '../base/errors.ts';
import type { Request, Workload } from '../workload.ts';
import type { Command, Reply } from '../resp.ts';
import type { Answer, Dial, Session } from './session.ts';

/**
 * A client library as applications use it, with its own defaults for reconnecting, queueing, repeating and following
 * redirects: only where to connect is told. It may have repeated a command whose first try went through, so that an
 * error never proves that nothing happened, and it does not tell which node it asked.
 */
export function librarySession(send: (request: Request) => Promise<readonly Reply[]>, close: () => void): Session {
  return {
    async request(request, _slot, onSent): Promise<Answer> {
      onSent(null);
      try {
        return { node: null, replies: await send(request) };
      } catch (error) {
        return { node: null, error: told(error), sent: true };
      }
    },
    [Symbol.dispose]: close,
  };
}

/**
 * What a library says, without what differs from one operation to the next: slots and addresses would make as many
 * reasons as there are operations. An error without words is known by its class.
 */
export function told(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(messageOf(error));
  if (error.message === '') return new Error(error.constructor.name);
  const [, last] = /^Too many Cluster redirections\. Last error: (?:\w+: )?(\w+)/.exec(error.message) ?? [];
  return last === undefined ? error : new Error(`too many redirections, the last by ${last}`);
}

/** The commands between MULTI and EXEC; null for what is no transaction. */
export const insideMulti = ({ commands }: Request): Request['commands'] | null =>
  commands[0]?.[0] === 'MULTI' ? commands.slice(1, -1) : null;

/** What ioredis and its fork for Valkey have in common. */
interface IoredisLike {
  call(command: string, ...args: string[]): Promise<unknown>;
  multi(commands: string[][]): { exec(): Promise<[Error | null, unknown][] | null> };
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): void;
}
type IoredisLikeCluster = new (nodes: { host: string; port: number }[], options: ClusterOptions) => IoredisLike;

/** They know which commands only read, and may go to a replica, by their names in lower case. */
const inLowerCase = ([name = '', ...args]: Command): [string, ...string[]] => [name.toLowerCase(), ...args];

/** Both take a map from what nodes are called in redirects to the addresses that reach them; they look nothing up. */
export function ioredisSession(Client: IoredisLikeCluster, { nodes }: Cluster, { readsFrom }: Workload, dial: Dial): Session {
  const places = nodes.map(({ name, address, ...node }) => ({ name, address, dial: dial({ name, address, ...node }) }));
  const { tls, login } = places[0]?.dial ?? {};
  const client = new Client(
    places.map(({ dial: { host, port } }) => ({ host, port })),
    {
      natMap: natMap(places),
      ...(readsFrom === 'replica' ? { scaleReads: 'slave' } : {}),
      redisOptions: { ...login, ...(tls ? { tls: { ...tls, checkServerIdentity: () => undefined } } : {}) },
    },
  );
  client.on('error', (error) => log.trace({ error: error.message }, 'client under test'));
  return librarySession(
    async (request) => {
      const transaction = insideMulti(request);
      if (transaction) {
        const answers = (await client.multi(transaction.map(inLowerCase)).exec()) ?? [];
        const failed = answers.find(([error]) => error !== null)?.[0];
        if (failed) throw failed;
        return [answers.map(([, reply]) => reply as Reply)];
      }
      return [(await client.call(...inLowerCase(request.commands[0] ?? []))) as Reply];
    },
    () => client.disconnect(),
  );
}
