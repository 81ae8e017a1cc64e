import { isDeepStrictEqual } from 'node:util';
import { messageOf } from './base/errors.ts';
import { poll, sleepMs } from './base/poll.ts';
import { together } from './base/together.ts';
import type { Cluster } from './cluster.ts';
import { connectNode, type Redis } from './cluster/client.ts';
import type { Probe } from './probe.ts';
import clusterInfo from './probe/cluster-info.ts';
import keys from './probe/keys.ts';
import links from './probe/links.ts';
import memory from './probe/memory.ts';
import persistence from './probe/persistence.ts';
import ping from './probe/ping.ts';
import replication from './probe/replication.ts';
import slotKeys from './probe/slot-keys.ts';
import topology from './probe/topology.ts';
import type { Observed } from './timeline.ts';
import { heartbeatMs, type Observations, type ProbeName } from './timeline/observation.ts';
import type { Recorder } from './timeline/recorder.ts';

const probes: readonly Probe[] = [
  ping,
  clusterInfo,
  topology,
  replication,
  links,
  keys,
  memory,
  persistence,
  slotKeys,
] as unknown as readonly Probe[];
/** A node that does not answer within this time gave no answer; a paused one must not stall the others. */
const answerWithinMs = 400;
/** At rest there is time to wait. */
const answerAtRestWithinMs = 5_000;
const acceptWithinMs = 2_000;

interface Latest {
  readonly atMs: number;
  readonly value: unknown;
}

/** Asks every node every question over a connection of its own, apart from the workload's, and records the answers. */
export class Observer implements AsyncDisposable {
  readonly #rarer: number;
  readonly #cluster: Cluster;
  readonly #recorder: Recorder;
  readonly #clients: Map<string, Redis>;
  readonly #probes: readonly Probe[];
  readonly #latest = new Map<string, Latest>();
  readonly #recorded = new Map<string, { atMs: number; essence: unknown }>();
  readonly #renewedAtMs = new Map<string, number>();
  readonly #stop = new AbortController();
  #loops: Promise<unknown>[] = [];

  /** `rarer` is how many times rarer than in a run everything is asked, where nobody needs to know it to the millisecond. */
  constructor(cluster: Cluster, recorder: Recorder, { rarer = 1 }: { readonly rarer?: number } = {}) {
    this.#rarer = rarer;
    this.#cluster = cluster;
    this.#recorder = recorder;
    this.#probes = probes.filter((probe) => probe.suits?.(cluster.engine) ?? true);
    this.#clients = new Map(
      cluster.nodes.map((node) => [node.name, connectNode(node, { timeoutMs: answerWithinMs, name: 'slotquake-probe' })]),
    );
  }

  start(onFailure: (error: unknown) => void): void {
    this.#loops = this.#cluster.nodes.flatMap(({ name }) =>
      this.#probes.flatMap((probe) =>
        probe.everyMs === null ? [] : this.#askAgainAndAgain(name, probe, probe.everyMs * this.#rarer).catch(onFailure),
      ),
    );
  }

  async #askAgainAndAgain(node: string, probe: Probe, everyMs: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const startedAtMs = performance.now();
      await this.#ask(node, probe, false);
      await sleepMs(Math.max(5, everyMs - (performance.now() - startedAtMs)), this.#stop.signal).catch(() => {});
    }
  }

  /** Asks everything of everybody once, now, and records every answer, changed or not. */
  async round(): Promise<void> {
    const often = this.#probes.filter(({ everyMs }) => everyMs !== null);
    await together(this.#cluster.nodes, ({ name }) => together(often, (probe) => this.#ask(name, probe, true)));
  }

  /** Asks everybody what is asked once, when nothing happens any more. */
  async atRest(): Promise<void> {
    const once = this.#probes.filter(({ everyMs }) => everyMs === null);
    await together(this.#cluster.nodes, async (node) => {
      const client = connectNode(node, { timeoutMs: answerAtRestWithinMs, name: 'slotquake-probe' });
      try {
        await poll(`${node.name} to accept a connection`, () => client.ping(), { withinMs: acceptWithinMs, everyMs: 10 }).catch(() => {});
        for (const probe of once) await this.#ask(node.name, probe, true, client);
      } finally {
        client.disconnect();
      }
    });
  }

  /** The newest answer of each node to one probe, no older than `sinceMs` on the run's clock. */
  latest<P extends ProbeName>(probe: P, sinceMs = 0): Map<string, Observations[P]> {
    return new Map(
      this.#cluster.nodes.flatMap(({ name }) => {
        const latest = this.#latest.get(`${name}/${probe}`);
        return latest && latest.atMs >= sinceMs ? [[name, latest.value as Observations[P]] as const] : [];
      }),
    );
  }

  /** For how long a node has answered no PING; 0 when the newest one was answered. */
  silentMs(node: string): number {
    const key = `${node}/ping`;
    if (typeof this.#recorded.get(key)?.essence !== 'string') return 0;
    return this.#recorder.nowMs() - (this.#latest.get(key)?.atMs ?? 0);
  }

  async #ask(node: string, probe: Probe, always: boolean, client = this.#clients.get(node) as Redis): Promise<void> {
    const key = `${node}/${probe.name}`;
    const askedAtMs = this.#recorder.nowMs();
    const previous = this.#recorded.get(key);
    try {
      const value = await probe.ask(client);
      if (this.#stop.signal.aborted && !always) return;
      // An answer tells of no later moment than that of the question.
      this.#latest.set(key, { atMs: askedAtMs, value });
      const essence = probe.essence ? probe.essence(value) : null;
      if (!always && previous && probe.essence && askedAtMs - previous.atMs < heartbeatMs && isDeepStrictEqual(previous.essence, essence))
        return;
      this.#recorded.set(key, { atMs: askedAtMs, essence });
      this.#recorder.record({ type: 'observed', node, probe: probe.name, value } as Observed);
    } catch (error) {
      const because = messageOf(error);
      if (client === this.#clients.get(node) && /timed out/.test(because)) this.#renew(node);
      if ((this.#stop.signal.aborted && !always) || (previous && askedAtMs - previous.atMs < heartbeatMs && previous.essence === because))
        return;
      this.#recorded.set(key, { atMs: askedAtMs, essence: because });
      this.#recorder.record({ type: 'probe-failed', node, probe: probe.name, because });
    }
  }

  /**
   * Asks over a new connection from now on. An old one may be all that is dead: a firewall forgot it, or its packets were lost for so
   * long that TCP waits for many seconds before it tries again, when the node has long been there.
   */
  #renew(node: string): void {
    const nowMs = this.#recorder.nowMs();
    if (nowMs - (this.#renewedAtMs.get(node) ?? Number.NEGATIVE_INFINITY) < answerWithinMs) return;
    this.#renewedAtMs.set(node, nowMs);
    this.#clients.get(node)?.disconnect(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#loops);
    for (const client of this.#clients.values()) client.disconnect();
  }
}
