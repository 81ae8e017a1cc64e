import { UsageError } from './base/errors.ts';
import { within } from './base/poll.ts';
import type { Random } from './base/random.ts';
import type { Cluster, Node } from './cluster.ts';
import { choosers, type Key, keysOf } from './load/keys.ts';
import { readBack } from './load/read-back.ts';
import { type Reply, ReplyError } from './resp.ts';
import { Routes } from './load/routes.ts';
import { type Answer, BareSession, type OpenSession, type Session } from './load/session.ts';
import { HistoryWriter, nothing, type Operation, type Outcome } from './timeline/history.ts';
import { isRead, type Request, type Workload, type WorkloadKind } from './workload.ts';
import { outcomeOf } from './workload/outcome.ts';
import { allWorkloads } from './workloads.ts';

/** The clients under test, each read only when it is wanted. */
const libraries: Readonly<Record<Exclude<Workload['client'], 'bare'>, () => Promise<{ readonly default: OpenSession }>>> = {
  ioredis: () => import('./load/ioredis.ts'),
  iovalkey: () => import('./load/iovalkey.ts'),
  'node-redis': () => import('./load/node-redis.ts'),
};

interface Parts {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly random: Random;
  /** The run's clock. */
  readonly nowMs: () => number;
  /** Where the history is written. */
  readonly folder: string;
  /** Called once when an operation cannot be written to the history. */
  readonly onUnwritable: (error: unknown, file: string) => void;
  /** Called when a client of ours fails at what it should be able to do: a defect of a workload. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  /** Takes the operations instead of a file in the folder, for a measurement of what recording costs. */
  readonly history?: History;
}

export type History = Pick<HistoryWriter, 'add' | 'flush'> & Disposable;

/** The kind of a workload. Throws a UsageError for one that a cluster with so many places cannot have. */
export async function kindOf(workload: Workload, places: number): Promise<WorkloadKind> {
  const maker = (await allWorkloads()).get(workload.kind);
  if (!maker) throw new UsageError(`there is no workload called ${workload.kind}; \`slotquake list workloads\` shows what there is`);
  const furthest = Math.max(0, ...workload.places.map((place) => Number(place.replace('client-', ''))));
  if (furthest > places)
    throw new UsageError(
      `the workload has clients at client-${furthest}, but the cluster has ${places === 0 ? 'no places' : `only ${places} of them`}; ask for them with places: ${furthest} in the cluster of the experiment`,
    );
  if (workload.client !== 'bare' && workload.wait > 0)
    throw new UsageError(`WAIT goes with the client 'bare' only: ${workload.client} sends it to a node of its own choice`);
  if (workload.client !== 'bare' && workload.redirects === 'forget')
    throw new UsageError(`redirects: 'forget' goes with the client 'bare' only: ${workload.client} remembers what it is told`);
  return maker.kind;
}

/** Throws a UsageError for a workload that this cluster cannot have. */
export async function openLoad(parts: Parts): Promise<Load> {
  const { workload, cluster } = parts;
  const kind = await kindOf(workload, cluster.places.length);
  return new Load(parts, kind, workload.client === 'bare' ? undefined : (await libraries[workload.client]()).default);
}

/** How long a client waits after an answer that is none, where nothing else paces it: a refusal costs the server nothing. */
const backOffMs = 10;
/** How long operations under way are awaited beyond their own time-out when the load ends. */
const graceMs = 500;

interface Underway {
  readonly id: number;
  readonly request: Request;
  readonly key: Key;
  readonly dueAtMs: number;
  readonly sentAtMs: number;
  node: string | null;
}

/**
 * A workload at work. Every operation is in the history when it is done, whatever became of it. The n-th operation of
 * each client is the same for the same seed; when it is sent is not.
 */
export class Load implements Disposable {
  readonly counts: Record<Outcome, number> = { ok: 0, failed: 0, unknown: 0 };
  /** How many answers sent a client elsewhere; null where a library does not tell. */
  redirects: number | null;
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #kind: WorkloadKind;
  /** Absent for the bare client. */
  readonly #library: OpenSession | undefined;
  readonly #random: Random;
  /** Which node is asked for the topology: when that is shifts no draw of an operation. */
  readonly #asked: Random;
  readonly #nowMs: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #history: History;
  readonly #keys: readonly Key[];
  readonly #used = new Set<Key>();
  readonly #sessions: Session[] = [];
  readonly #underway: (Underway | undefined)[] = [];
  #lanes: Promise<void>[] = [];
  #stopping = false;
  /** Ends the pause of each lane. */
  readonly #wakers: (() => void)[] = [];
  /** Once true, what a client still answers comes too late to be recorded. */
  #closed = false;
  #nextId = 0;

  constructor(parts: Parts, kind: WorkloadKind, library?: OpenSession) {
    this.#cluster = parts.cluster;
    this.#workload = parts.workload;
    this.#kind = kind;
    this.#library = library;
    this.redirects = library ? null : 0;
    this.#random = parts.random;
    this.#asked = parts.random.fork('asked');
    this.#nowMs = parts.nowMs;
    this.#onFailure = parts.onFailure ?? (() => {});
    this.#history = parts.history ?? new HistoryWriter(parts.folder, parts.onUnwritable);
    this.#keys = keysOf(parts.cluster, parts.workload.kind, parts.workload.keys, parts.workload.distribution);
  }

  start(): void {
    const { clients, pipeline, places } = this.#workload;
    const startMs = this.#nowMs();
    // Clients of one place tell one another where slots are served; those of another may see another side of a partition.
    const around = places.length === 0 ? [undefined] : places;
    const routes = new Map(around.map((place) => [place, new Routes(this.#cluster)] as const));
    const sideOf = (client: number) => {
      const place = around[client % around.length];
      return { place, routes: routes.get(place) as Routes };
    };
    for (let client = 0; client < clients; client++) this.#sessions.push(this.#open(client, sideOf(client)));
    const shards = this.#cluster.nodes.filter(({ formedAs }) => formedAs === 'primary').length;
    const chooserOf = choosers(this.#keys, this.#workload.distribution, shards);
    this.#lanes = Array.from({ length: clients * pipeline }, (_, lane) => {
      const random = this.#random.fork(`lane ${lane}`);
      const choose = chooserOf(lane % clients, random);
      return this.#work(lane, clients * pipeline, startMs, random, choose, sideOf(lane % clients).routes).catch(this.#onFailure);
    });
  }

  #open(index: number, { place, routes }: { readonly place: string | undefined; readonly routes: Routes }): Session {
    const from = this.#cluster.places.find(({ name }) => name === place);
    const dial = (node: Node): Node['dial'] => from?.dial(node) ?? node.dial;
    return this.#library
      ? this.#library(this.#cluster, this.#workload, dial)
      : new BareSession(this.#cluster, this.#workload, routes, dial, `slotquake-client-${index}`, () => {
          this.redirects = (this.redirects ?? 0) + 1;
        });
  }

  /** One operation after the other, each when its time has come. */
  async #work(lane: number, lanes: number, startMs: number, random: Random, choose: () => Key, routes: Routes): Promise<void> {
    const { rate, readShare, clients } = this.#workload;
    const client = lane % clients;
    const session = this.#sessions[client] as Session;
    const taken = new Map<string, number>();
    const readsOf = readShare * 1_000_000;
    let refused = false;
    for (let id = lane; !this.#stopping; id += lanes) {
      const dueAtMs = rate === 'closed' ? Number.POSITIVE_INFINITY : startMs + (id / rate) * 1_000;
      const earlyMs = rate === 'closed' ? 0 : dueAtMs - this.#nowMs();
      // A lane that is behind its schedule is paced by nothing but the answers, and a refusal may come at once.
      if (earlyMs > 0 || refused) await this.#pause(lane, earlyMs > 0 ? earlyMs : backOffMs);
      if (this.#stopping) return;
      const key = choose();
      this.#used.add(key);
      this.#nextId = Math.max(this.#nextId, id + 1);
      const read = random.integer(1, 1_000_000) <= readsOf;
      const request = this.#kind.next({ id, key: key.name, read, random, workload: this.#workload, taken });
      const sentAtMs = this.#nowMs();
      // A timer may fire a little early; without a rate every start is the intended one.
      const underway: Underway = { id, request, key, dueAtMs: Math.min(dueAtMs, sentAtMs), sentAtMs, node: null };
      this.#underway[lane] = underway;
      const answer = await session.request(request, key.slot, (node) => {
        underway.node = node;
      });
      if (this.#closed) return;
      this.#underway[lane] = undefined;
      refused = this.#record(client, underway, answer) !== 'ok';
      if (refused) void this.#learn(routes, session);
    }
  }

  #pause(lane: number, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakers[lane] = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #halt(): void {
    this.#stopping = true;
    for (const wake of this.#wakers) wake?.();
  }

  /** Asks any node for the topology: a client that is cut off from some asks until it meets one that it reaches. */
  async #learn(routes: Routes, session: Session): Promise<void> {
    if (!(session instanceof BareSession) || this.#workload.redirects === 'forget') return;
    await routes.refresh(this.#nowMs(), () => session.topology(this.#asked.integer(0, this.#cluster.nodes.length - 1)));
  }

  #record(client: number, underway: Underway, answer: Answer): Outcome {
    const { request } = underway;
    let judged = judge(answer, this.#workload.wait, request);
    // A library may have repeated it: an error of the last try tells nothing of the first.
    if (this.#library && judged.outcome === 'failed') judged = { ...judged, outcome: 'unknown' };
    const told = judged.outcome === 'ok' && 'replies' in answer ? request.answer?.(answer.replies) : undefined;
    this.#add(client, underway, answer.node, judged, told);
    return judged.outcome;
  }

  #add(
    client: number,
    { id, request, key, dueAtMs, sentAtMs }: Underway,
    node: string | null,
    { outcome, reason }: Pick<Operation, 'outcome' | 'reason'>,
    told: { readonly value?: number; readonly values?: readonly number[] } | undefined,
  ): void {
    this.counts[outcome]++;
    this.#history.add({
      id,
      client,
      verb: request.verb,
      key: request.key ?? key.name,
      slot: key.slot,
      node,
      dueAtMs,
      sentAtMs,
      doneAtMs: this.#nowMs(),
      outcome,
      reason,
      value: told?.value ?? request.value ?? nothing,
      values: told?.values ?? request.values ?? [],
      final: false,
      replica: this.#workload.readsFrom === 'replica' && isRead(request),
    });
  }

  /** No new operations; resolves when the last one under way is recorded. What a library never answers is recorded as that. */
  async stop(): Promise<void> {
    if (this.#closed) return;
    this.#halt();
    const waitMs = this.#workload.timeoutMs + graceMs;
    await within('the last answers', waitMs, Promise.allSettled(this.#lanes)).catch(() => {});
    // Somebody else who stopped it, or threw it away meanwhile, was faster.
    if (this.#closed) return;
    this.#closed = true;
    this.#underway.forEach((underway, lane) => {
      if (underway)
        this.#add(lane % this.#workload.clients, underway, underway.node, { outcome: 'unknown', reason: 'never-answered' }, undefined);
    });
    this.#history.flush();
    // What a library has queued must not be written while everything is read at rest.
    this.#hangUp();
  }

  #hangUp(): void {
    for (const session of this.#sessions.splice(0)) session[Symbol.dispose]();
  }

  /** Reads at rest what every node has of every key that was used. */
  readBack(): Promise<{ readonly keys: number; readonly unreadable: number }> {
    return readBack(this.#cluster, [...this.#used], (key) => this.#kind.final(key), this.#nextId, this.#history, this.#nowMs);
  }

  [Symbol.dispose](): void {
    this.#halt();
    this.#closed = true;
    this.#hangUp();
    this.#history[Symbol.dispose]();
  }
}

/** The outcome of an operation: by its first error, inside of EXEC too, or by what WAIT answered. */
function judge(answer: Answer, wait: number, request: Request): Pick<Operation, 'outcome' | 'reason'> {
  if ('error' in answer) {
    const judged = outcomeOf(answer.error);
    return answer.sent ? judged : { outcome: 'failed', reason: judged.outcome === 'failed' ? judged.reason : 'not-connected' };
  }
  const waits = wait > 0 && !isRead(request);
  const replies = waits ? answer.replies.slice(0, -1) : answer.replies;
  for (const reply of replies) if (reply instanceof ReplyError) return outcomeOf(reply);
  for (const reply of replies) {
    // The other commands of a transaction were carried out.
    const inside = Array.isArray(reply) ? (reply as readonly Reply[]).find((one) => one instanceof ReplyError) : undefined;
    if (inside instanceof ReplyError) return { outcome: 'unknown', reason: outcomeOf(inside).reason };
  }
  // The write was done; who has it beside the primary is not known.
  const reached = waits ? answer.replies.at(-1) : wait;
  if (typeof reached !== 'number' || reached < wait) return { outcome: 'unknown', reason: 'wait' };
  return { outcome: 'ok', reason: null };
}
