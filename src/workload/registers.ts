import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Random } from '../base/random.ts';
import type { Cluster } from '../cluster.ts';
import { connectCluster, connectNode, type Redis } from '../cluster/client.ts';
import { keySlot, parseClusterNodes } from '../cluster/topology.ts';
import type { MissingWrite } from '../timeline.ts';
import { formatOperation, type Operation } from '../timeline/old-history.ts';
import { unwritable } from '../timeline/recorder.ts';
import type { Workload } from '../workload.ts';
import { outcomeOf } from './outcome.ts';

/** Unique values written to and read from registers, each with one writer at a time. */
export const registers = (options: Partial<Omit<Workload, 'name'>> = {}): Workload => ({
  name: 'registers',
  clients: 4,
  rate: 200,
  keys: 60,
  readShare: 0.25,
  timeoutMs: 500,
  ...options,
});

/** A workload at work. Every operation is in history.jsonl when it is done, whatever became of it. */
export class RunningWorkload implements Disposable {
  readonly operations: Operation[] = [];
  readonly #cluster: Cluster;
  readonly #workload: Workload;
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #file: string;
  readonly #descriptor: number;
  readonly #onUnwritable: (error: unknown) => void;
  readonly #clients: Map<string, Redis>[];
  readonly #keys: readonly string[];
  /** Where this workload believes a slot is served, with the config epoch that said so: an older one never wins. */
  readonly #owners = new Map<number, { node: string; epoch: number }>();
  readonly #busy = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #refreshedAtMs = 0;

  /** `onUnwritable` is called when an operation cannot be written to the history. */
  constructor(
    cluster: Cluster,
    workload: Workload,
    random: Random,
    nowMs: () => number,
    folder: string,
    onUnwritable: (error: unknown) => void,
  ) {
    this.#cluster = cluster;
    this.#workload = workload;
    this.#random = random;
    this.#nowMs = nowMs;
    this.#file = path.join(folder, 'history.jsonl');
    this.#descriptor = openSync(this.#file, 'wx');
    this.#onUnwritable = onUnwritable;
    this.#clients = Array.from(
      { length: workload.clients },
      (_, client) =>
        new Map(
          cluster.nodes.map((node) => [
            node.name,
            connectNode(node, { timeoutMs: workload.timeoutMs, name: `slotquake-client-${client}` }),
          ]),
        ),
    );
    const primaries = cluster.nodes.filter(({ formedAs }) => formedAs === 'primary');
    for (const [index, node] of primaries.entries()) {
      for (const [first, last] of node.slots)
        for (let slot = first; slot <= last; slot++) this.#owners.set(slot, { node: node.name, epoch: index + 1 });
    }
    this.#keys = evenKeys(
      workload.keys,
      primaries.map((node) => node.slots),
    );
  }

  start(): void {
    const startMs = performance.now();
    let due = 0;
    this.#timer = setInterval(() => {
      // A timer that fires late catches up, so that the rate is kept.
      const wanted = ((performance.now() - startMs) / 1_000) * this.#workload.rate;
      for (; due < wanted; due++) this.#next();
    }, 5);
  }

  #next(): void {
    const n = this.#count++;
    const key = this.#keys[n % this.#keys.length] as string;
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    const read = this.#random.integer(1, 1_000) <= this.#workload.readShare * 1_000;
    const done = this.#operate(n % this.#workload.clients, key, read ? null : `${n}`).finally(() => {
      this.#busy.delete(key);
      this.#pending.delete(done);
    });
    this.#pending.add(done);
  }

  async #operate(client: number, key: string, value: string | null): Promise<void> {
    const slot = keySlot(key);
    const node = this.#owners.get(slot)?.node as string;
    const connection = this.#clients[client]?.get(node) as Redis;
    const sentAtMs = this.#nowMs();
    let operation: Operation = {
      client,
      kind: value === null ? 'read' : 'write',
      key,
      slot,
      value,
      node,
      sentAtMs,
      doneAtMs: sentAtMs,
      outcome: 'ok',
      reason: null,
    };
    try {
      const reply = value === null ? await connection.get(key) : await connection.set(key, value);
      operation = { ...operation, value: value ?? reply, doneAtMs: this.#nowMs() };
    } catch (error) {
      operation = { ...operation, ...outcomeOf(error), doneAtMs: this.#nowMs() };
      this.#redirect(slot, error);
    }
    this.operations.push(operation);
    try {
      writeFileSync(this.#descriptor, `${formatOperation(operation)}\n`);
    } catch (error) {
      this.#onUnwritable(unwritable(this.#file, error));
    }
  }

  /** Learns where to go next time. The operation itself is not repeated: nothing is hidden. */
  #redirect(slot: number, error: unknown): void {
    const moved = /^MOVED \d+ (\S+)/.exec(error instanceof Error ? error.message : '');
    const target = moved && this.#cluster.nodes.find(({ address }) => address === moved[1]);
    if (target) this.#owners.set(slot, { node: target.name, epoch: this.#owners.get(slot)?.epoch ?? 0 });
    if (this.#nowMs() - this.#refreshedAtMs < 100) return;
    this.#refreshedAtMs = this.#nowMs();
    const node = this.#random.pick(this.#cluster.nodes);
    this.#clients[0]
      ?.get(node.name)
      ?.call('CLUSTER', 'NODES')
      .then((text) => {
        for (const view of parseClusterNodes(String(text))) {
          const owner = this.#cluster.nodes.find(({ id }) => id === view.id);
          if (!owner || !view.flags.includes('master')) continue;
          for (const [first, last] of view.slots) {
            for (let s = first; s <= last; s++)
              if (view.configEpoch > (this.#owners.get(s)?.epoch ?? -1)) this.#owners.set(s, { node: owner.name, epoch: view.configEpoch });
          }
        }
      })
      .catch(() => {});
  }

  /** No new operations; resolves when the last one under way is recorded. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#pending);
  }

  /**
   * Reads every key through normal routing, at rest, and finds the acknowledged writes that are gone: those to which a
   * later value than the found one was acknowledged. A write of unknown outcome may be found or not.
   */
  async readBack(): Promise<{ readonly keys: number; readonly missing: readonly MissingWrite[]; readonly unreadable: number }> {
    const client = connectCluster(this.#cluster.nodes);
    try {
      await client.connect();
      const written = Map.groupBy(
        this.operations.filter(({ kind }) => kind === 'write'),
        ({ key }) => key,
      );
      let unreadable = 0;
      const missing: MissingWrite[] = [];
      await Promise.all(
        [...written].map(async ([key, writes]) => {
          const found = await client.get(key).catch(() => undefined);
          if (found === undefined) unreadable++;
          else missing.push(...missingWrites(writes, found));
        }),
      );
      return { keys: written.size, missing, unreadable };
    } finally {
      client.disconnect();
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const clients of this.#clients) for (const client of clients.values()) client.disconnect();
    closeSync(this.#descriptor);
  }
}

/** The acknowledged writes of one key that came after the one whose value was found. Writes of a key never overlap. */
export function missingWrites(writes: readonly Operation[], found: string | null): MissingWrite[] {
  const order = [...writes].sort((a, b) => a.sentAtMs - b.sentAtMs);
  const at = found === null ? -1 : order.findLastIndex(({ value }) => value === found);
  return order
    .slice(at + 1)
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ key, slot, value, node, sentAtMs, doneAtMs }) => ({
      key,
      slot,
      value: value ?? '',
      found,
      node,
      sentAtMs,
      acknowledgedAtMs: doneAtMs,
    }));
}

/** Keys spread evenly over the shards, the same every time. */
function evenKeys(count: number, shards: readonly Cluster['nodes'][number]['slots'][]): string[] {
  const keys: string[] = [];
  for (let n = 0; keys.length < count && n < count * 1_000; n++) {
    const key = `register:${n}`;
    const slot = keySlot(key);
    if (shards[keys.length % shards.length]?.some(([first, last]) => first <= slot && slot <= last)) keys.push(key);
  }
  return keys;
}
