import type { Cluster, Node } from '../cluster.ts';
import type { Host } from '../driver.ts';
import { isRead, type Request, type Workload } from '../workload.ts';
import { Connection, Unanswered } from './connection.ts';
import { type Command, type Reply, ReplyError } from '../resp.ts';
import type { Routes } from './routes.ts';

/** What became of a request. `sent` is false where it certainly never left this process. */
export type Answer =
  | { readonly node: string | null; readonly replies: readonly Reply[] }
  | { readonly node: string | null; readonly error: Error; readonly sent: boolean };

/** One client as an application has it. `request` never rejects; with a library it may never resolve either. */
export interface Session extends Disposable {
  /** `onSent` is told where it goes, as far as the client tells. */
  request(request: Request, slot: number, onSent: (node: string | null) => void): Promise<Answer>;
}

/** How a client reaches a node from where it is. */
export type Dial = (node: Node) => Host['dial'];

/** Makes one client of a library. */
export type OpenSession = (cluster: Cluster, workload: Workload, dial: Dial) => Session;

/** One request on its way from node to node. */
interface Asked {
  readonly commands: readonly Command[];
  readonly fromReplica: boolean;
  readonly asking?: boolean;
  readonly onSent: (node: string | null) => void;
  readonly hops: number;
}

/** So often does a client follow one operation, as libraries do by default. */
const mostHops = 16;

/**
 * The bare client: one connection to each node it needs, redirects are not followed but learned from, unless the workload
 * wants that. Reads go to a replica by READONLY where the workload wants that.
 */
export class BareSession implements Session {
  readonly #nodes: readonly Node[];
  readonly #workload: Workload;
  readonly #routes: Routes;
  readonly #dial: Dial;
  readonly #name: string;
  /** By the node's place in the cluster; those that read from replicas have asked for it. */
  readonly #connections: (Connection | undefined)[] = [];
  readonly #readers: (Connection | undefined)[] = [];
  #turn = 0;
  readonly #wait: readonly Command[];
  readonly #onRedirect: () => void;

  constructor(cluster: Cluster, workload: Workload, routes: Routes, dial: Dial, name: string, onRedirect: () => void = () => {}) {
    this.#onRedirect = onRedirect;
    this.#nodes = cluster.nodes;
    this.#workload = workload;
    this.#routes = routes;
    this.#dial = dial;
    this.#name = name;
    this.#wait = workload.wait > 0 ? [['WAIT', `${workload.wait}`, `${workload.waitTimeoutMs}`]] : [];
  }

  request(request: Request, slot: number, onSent: (node: string | null) => void): Promise<Answer> {
    const reads = isRead(request);
    const fromReplica = reads && this.#workload.readsFrom === 'replica';
    const at = fromReplica ? this.#replica(slot) : this.#routes.primary(slot);
    const commands = !reads && this.#wait.length > 0 ? [...request.commands, ...this.#wait] : request.commands;
    return this.#ask(at, { commands, fromReplica, onSent, hops: 0 });
  }

  #ask(at: number, asked: Asked): Promise<Answer> {
    const { fromReplica, asking = false, onSent } = asked;
    const node = (this.#nodes[at] as Node).name;
    onSent(node);
    const connection = (fromReplica ? this.#readers : this.#connections)[at] ?? this.#open(at, fromReplica);
    const commands = asking ? asked.commands.flatMap((command) => [['ASKING'], command]) : asked.commands;
    return new Promise((resolve) => {
      const send = (): void =>
        connection.send(commands, (result) => {
          if (result instanceof Unanswered) {
            resolve({ node, error: result, sent: result.sent });
            return;
          }
          const replies = asking ? result.filter((_, index) => index % 2 === 1) : result;
          const next = this.#redirected(replies, asked);
          resolve(next === undefined ? { node, replies } : this.#ask(...next));
        });
      if (connection.fresh) void connection.settled().then(send);
      else send();
    });
  }

  /** Where to ask again; undefined where this was the last word. */
  #redirected(replies: readonly Reply[], asked: Asked): [at: number, asked: Asked] | undefined {
    const { redirects } = this.#workload;
    const sentAway = replies.filter((reply) => reply instanceof ReplyError && /^(MOVED|ASK) /.test(reply.message)) as ReplyError[];
    const [first] = sentAway;
    if (!first) return undefined;
    this.#onRedirect();
    if (redirects !== 'forget') for (const { message } of sentAway) if (message.startsWith('MOVED ')) this.#routes.moved(message);
    const asking = first.message.startsWith('ASK ');
    const at = this.#nodes.findIndex(({ address }) => address === first.message.split(' ')[2]);
    // ASKING counts for the next command only, and one inside of MULTI would be queued.
    if (redirects === 'learn' || at < 0 || asked.hops >= mostHops || (asking && asked.commands[0]?.[0] === 'MULTI')) return undefined;
    return [at, { ...asked, fromReplica: false, asking, hops: asked.hops + 1 }];
  }

  /** Asks a node for the topology, for the routes. */
  async topology(at: number): Promise<string> {
    const connection = this.#connections[at] ?? this.#open(at, false);
    await connection.settled();
    const [reply] = await connection.request([['CLUSTER', 'NODES']]);
    return String(reply);
  }

  #replica(slot: number): number {
    const replicas = this.#routes.replicas(slot);
    return replicas[this.#turn++ % replicas.length] as number;
  }

  #open(at: number, reader: boolean): Connection {
    const connection = new Connection(this.#dial(this.#nodes[at] as Node), {
      name: this.#name,
      timeoutMs: this.#workload.timeoutMs,
      greeting: reader ? [['READONLY']] : [],
    });
    (reader ? this.#readers : this.#connections)[at] = connection;
    return connection;
  }

  [Symbol.dispose](): void {
    for (const connection of [...this.#connections, ...this.#readers]) connection?.[Symbol.dispose]();
  }
}
