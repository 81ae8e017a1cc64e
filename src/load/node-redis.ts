import { createCluster } from 'redis';
import { log } from '../base/log.ts';
import { namesOf } from '../driver.ts';
import { insideMulti, librarySession } from './library.ts';
import { isRead } from '../workload.ts';
import type { Reply } from '../resp.ts';
import type { OpenSession } from './session.ts';

/** RESP 3, which the library speaks by default, has sets of its own. */
const plain = (reply: unknown): Reply => (reply instanceof Set ? [...reply] : Array.isArray(reply) ? reply.map(plain) : reply) as Reply;

export default ((cluster, { readsFrom }, dial) => {
  const places = cluster.nodes.map((node) => ({ names: namesOf(node), ...dial(node) }));
  const { tls, login } = places[0] ?? {};
  const socket = tls ? { ...tls, tls: true as const, checkServerIdentity: () => undefined } : {};
  const client = createCluster({
    rootNodes: places.map(({ host, port }) => ({ socket: { host, port, ...socket } })),
    defaults: { socket: socket as never, ...login },
    nodeAddressMap: (announced) => {
      const place = places.find(({ names }) => names.includes(announced));
      return place && { host: place.host, port: place.port };
    },
    useReplicas: readsFrom === 'replica',
  });
  client.on('error', (error: Error) => log.trace({ error: error.message }, 'client under test'));
  const connected = client.connect();
  connected.catch(() => {});
  return librarySession(
    async (request) => {
      await connected;
      const transaction = insideMulti(request);
      const key = request.commands[transaction ? 1 : 0]?.[request.commands[0]?.[0] === 'EVAL' ? 3 : 1];
      if (transaction) {
        const multi = client.multi(key);
        for (const command of transaction) multi.addCommand(key, isRead(request), [...command]);
        return [plain(await multi.exec())];
      }
      return [plain(await client.sendCommand(key, isRead(request), [...(request.commands[0] ?? [])]))];
    },
    () => client.destroy(),
  );
}) satisfies OpenSession;
