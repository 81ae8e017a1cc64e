import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Cluster, Node } from '../../src/cluster.ts';
import { type Reply, ReplyParser } from '../../src/resp.ts';

/** What a server does with a command; what it returns is written as it stands. Undefined: nothing is said. */
export type Answerer = (command: readonly string[], socket: Socket, connection: number) => string | undefined;

export const ok = '+OK\r\n';
export const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

/** A small server on this machine that speaks RESP and can go and come back. */
export class FakeServer implements AsyncDisposable {
  /** All commands but those of the greeting. */
  readonly heard: (readonly string[])[] = [];
  /** How many connections there have been. */
  connections = 0;
  answer: Answerer;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  private constructor(answer: Answerer) {
    this.answer = answer;
  }

  static async open(answer: Answerer = () => ok): Promise<FakeServer> {
    const server = new FakeServer(answer);
    await server.listen();
    return server;
  }

  /** On the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection, and refuses new ones. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.hangUp();
    await closed;
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get dial(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.#port };
  }

  #serve(socket: Socket): void {
    const connection = ++this.connections;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.setNoDelay(true);
    const parser = new ReplyParser((reply: Reply) => {
      const command = reply as readonly string[];
      if (command[0] !== 'CLIENT') this.heard.push(command);
      const text = this.answer(command, socket, connection);
      if (text !== undefined) socket.write(text, 'latin1');
    });
    socket.on('data', (chunk: Buffer) => parser.push(chunk));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const slotsOf: readonly (readonly [number, number])[] = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
];

/** Six nodes as a cluster has them: node-1 to node-3 are primaries, node-4 to node-6 their replicas in turn. */
export function fakeCluster(dials: readonly Node['dial'][] = []): Cluster {
  const nodes = [1, 2, 3, 4, 5, 6].map(
    (n) =>
      ({
        name: `node-${n}`,
        id: `${n}`.repeat(40),
        address: `10.0.0.${n}:6379`,
        formedAs: n <= 3 ? 'primary' : 'replica',
        slots: n <= 3 ? [slotsOf[n - 1]] : [],
        primary: n <= 3 ? null : `node-${n - 3}`,
        dial: dials[n - 1] ?? { host: '127.0.0.1', port: 1 },
      }) as unknown as Node,
  );
  return { nodes, places: [] } as unknown as Cluster;
}
