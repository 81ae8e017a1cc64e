import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { seededRandom } from '../src/base/random.ts';
import type { Cluster, ClusterSpec, Node } from '../src/cluster.ts';
import { formCluster } from '../src/cluster/form.ts';
import { endPatience } from '../src/cluster/patience.ts';
import { linearizabilityCheck } from '../src/consistency/linearizable.ts';
import { lossCheck } from '../src/consistency/loss.ts';
import { pairsCheck } from '../src/consistency/pairs.ts';
import { WriteIndex } from '../src/consistency/writes.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { type Load, openLoad } from '../src/load.ts';
import { Connection } from '../src/load/connection.ts';
import { keysOf } from '../src/load/keys.ts';
import { type Reply, ReplyError } from '../src/resp.ts';
import { type Operation, operationOf, scanHistory } from '../src/timeline/history.ts';
import type { Workload } from '../src/workload.ts';
import registers from '../src/workload/registers.ts';
import setAdd from '../src/workload/set-add.ts';
import transactions from '../src/workload/transactions.ts';
import { allWorkloads } from '../src/workloads.ts';
import { newRunId } from './own-runs.ts';

const kinds = [...(await allWorkloads())];
const libraries = ['ioredis', 'iovalkey', 'node-redis'] as const;

/** A cluster, and a connection of the test's own to each node. */
class Ground implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly #controls: ReadonlyMap<string, Connection>;

  private constructor(cluster: Cluster, controls: ReadonlyMap<string, Connection>) {
    this.cluster = cluster;
    this.#controls = controls;
  }

  static async open(spec: ClusterSpec): Promise<Ground> {
    const cluster = await formCluster(await dockerDriver(), spec, {
      runId: newRunId('load'),
      image: await resolveEngineImage('redis:7.0'),
      toolboxImage: await resolveToolboxImage(),
      reach: 'auto',
      kept: false,
    });
    const ground = new Ground(
      cluster,
      new Map(cluster.nodes.map((node) => [node.name, new Connection(node.dial, { name: 'control', timeoutMs: 10_000 })])),
    );
    await poll('every node to see a whole cluster', () => ground.#whole(), { withinMs: 30_000 });
    await poll('every replica to follow', () => ground.caughtUp(), { withinMs: 30_000 });
    await endPatience(cluster);
    return ground;
  }

  async #whole(): Promise<void> {
    for (const node of this.cluster.nodes) {
      const info = String(await this.ask(node, 'CLUSTER', 'INFO'));
      if (!/cluster_state:ok[^]*cluster_known_nodes:6/.test(info)) throw new Error(`${node.name} says ${info.slice(0, 40)}`);
      // A replica is listed once its offset has come round (cluster.c isReplicaAvailable), and libraries go by this list.
      const ranges = (await this.ask(node, 'CLUSTER', 'SLOTS')) as readonly (readonly Reply[])[];
      if (ranges.some(({ length }) => length < 4)) throw new Error(`${node.name} does not list every replica`);
    }
  }

  async ask(node: Node, ...words: readonly string[]): Promise<Reply> {
    const [reply] = (await this.#controls.get(node.name)?.request([words])) ?? [];
    if (reply instanceof ReplyError) throw new Error(`${node.name}: ${reply.message}`);
    return reply as Reply;
  }

  get primaries(): readonly Node[] {
    return this.cluster.nodes.filter(({ formedAs }) => formedAs === 'primary');
  }

  /** Resolves when each replica has all that its primary has. */
  async caughtUp(): Promise<void> {
    for (const [index, { name }] of keysOf(this.cluster, 'settling', 3, 'even').entries()) {
      const [set, wait] =
        (await this.#controls.get(this.primaries[index]?.name ?? '')?.request([
          ['SET', name, ''],
          ['WAIT', '1', '1000'],
        ])) ?? [];
      if (set !== 'OK' || wait !== 1) throw new Error(`${name}: ${String(set)}, ${String(wait)} replicas`);
    }
  }

  /** Without data and without counts. */
  async cleared(): Promise<void> {
    for (const node of this.primaries) await this.ask(node, 'FLUSHALL');
    await this.caughtUp();
    for (const node of this.cluster.nodes) await this.ask(node, 'CONFIG', 'RESETSTAT');
  }

  /** How often each node has been asked for this. */
  async calls(command: string): Promise<Record<string, number>> {
    const counts = this.cluster.nodes.map(async (node) => {
      const info = String(await this.ask(node, 'INFO', 'commandstats'));
      return [node.name, Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1] ?? 0)] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#controls.values()) connection[Symbol.dispose]();
    await this.cluster.hosts.remove();
  }
}

interface Seen {
  readonly folder: string;
  readonly counts: Load['counts'];
  readonly operations: readonly Operation[];
  readonly finals: readonly Operation[];
  readonly back: { readonly keys: number; readonly unreadable: number };
}

const enough = 2_000;

/** A workload at work on an empty cluster until it has done something, and then read back. */
async function seen(ground: Ground, workload: Workload, meanwhile?: () => Promise<void>): Promise<Seen> {
  await ground.cleared();
  const folder = mkdtempSync(path.join(tmpdir(), 'load-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const startMs = performance.now();
  using load = await openLoad({
    cluster: ground.cluster,
    workload,
    random: seededRandom(1),
    nowMs: () => performance.now() - startMs,
    folder,
    onUnwritable: (error) => {
      throw error;
    },
  });
  const { counts } = load;
  load.start();
  await poll(
    'the load to do something',
    () => {
      if (counts.ok + counts.failed + counts.unknown < enough) throw new Error(JSON.stringify(counts));
    },
    { withinMs: 20_000, everyMs: 10 },
  );
  await meanwhile?.();
  await load.stop();
  await ground.caughtUp();
  const back = await load.readBack();
  const operations: Operation[] = [];
  const { defects } = scanHistory(folder, (row, names) => operations.push(operationOf(row, names)));
  expect(defects).toEqual([]);
  return {
    folder,
    counts,
    operations: operations.filter(({ final }) => !final),
    finals: operations.filter(({ final }) => final),
    back,
  };
}

/** Nothing failed, nothing is lost, and the history says so. */
function expectSound({ folder, counts, operations, finals, back }: Seen, clients: number): void {
  const wrong = operations.filter(({ outcome }) => outcome !== 'ok').map(({ verb, outcome, reason }) => `${verb} ${outcome} ${reason}`);
  expect([...new Set(wrong)]).toEqual([]);
  expect(counts).toEqual({ ok: operations.length, failed: 0, unknown: 0 });
  expect(new Set(operations.map(({ client }) => client)).size).toBe(clients);

  // Each key from its primary and its replica, which say the same; the others redirect.
  expect(back.unreadable).toBe(0);
  const byKey = Map.groupBy(finals, ({ key }) => key);
  expect(byKey.size).toBeGreaterThan(0);
  for (const [key, rows] of byKey) {
    const told = rows.filter(({ outcome }) => outcome === 'ok');
    expect(new Set(told.map(({ replica }) => replica)), key).toEqual(new Set([false, true]));
    expect(told.length, key).toBe(2);
    expect(told[0]?.value, key).toBe(told[1]?.value);
    expect(told[0]?.values.toSorted(), key).toEqual(told[1]?.values.toSorted());
    expect(new Set(rows.filter(({ outcome }) => outcome !== 'ok').map(({ outcome, reason }) => `${outcome} ${reason}`)), key).toEqual(
      new Set(['failed moved']),
    );
  }

  const writes = new WriteIndex();
  scanHistory(folder, (row) => writes.see(row));
  const [loss, order, pairs] = [
    lossCheck(writes, () => false),
    linearizabilityCheck(writes, () => false, { withinMs: 5_000 }),
    pairsCheck(writes),
  ];
  const { names } = scanHistory(folder, (row, known) => {
    for (const check of [loss, order, pairs]) check.see(row, known);
  });
  const found = loss.finish(names);
  expect(found).toMatchObject({ lost: 0, unreadable: 0, foreign: { total: 0 }, contradicted: { total: 0 }, duplicated: { total: 0 } });
  expect(found).toMatchObject({ stale: { total: 0 }, reordered: { total: 0 }, divergent: { total: 0 }, replicasDiffer: { total: 0 } });
  expect(order.finish(names).notLinearizable.total).toBe(0);
  expect(JSON.stringify(pairs.finish(names))).toMatch(/"total":0/);
}

const closed = { rate: 'closed', clients: 6, keys: 24, readShare: 0.4, timeoutMs: 5_000 } as const;

describe('a load on a real cluster', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await Ground.open({ places: 1 });
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  it.each(kinds)('does what it says, and nothing is lost: %s', async (_, make) => {
    expectSound(await seen(ground, make(closed as never)), 6);
  });
  it.each(kinds)('does so with a pipeline and large values too: %s', async (_, make) => {
    expectSound(await seen(ground, make({ ...closed, clients: 3, pipeline: 8, valueBytes: 2_000, distribution: 'zipf' } as never)), 3);
  });
  it('is acknowledged by replicas with WAIT', async () => {
    const result = await seen(ground, registers({ ...closed, wait: 1 }));
    expectSound(result, 6);
    const writes = result.operations.filter(({ verb }) => verb === 'set').length;
    const calls = await ground.calls('wait');
    // The test itself waits once at each primary, after the load.
    expect(Object.values(calls).reduce((a, b) => a + b)).toBe(writes + 3);
  });
  it('is not acknowledged by replicas that are not there', async () => {
    const { operations } = await seen(ground, registers({ ...closed, wait: 2, waitTimeoutMs: 1 }));
    for (const { verb, outcome, reason } of operations)
      expect([outcome, reason]).toEqual(verb === 'set' ? ['unknown', 'wait'] : ['ok', null]);
  });
  it.each(['bare', ...libraries] as const)('reads from replicas, which answer: %s', async (client) => {
    const { operations, counts } = await seen(ground, registers({ ...closed, client, readsFrom: 'replica' }), async () => {
      // Before the keys are read back, from everybody.
      const calls = await ground.calls('get');
      const asked = (role: Node['formedAs']): boolean[] =>
        ground.cluster.nodes.filter(({ formedAs }) => formedAs === role).map(({ name }) => (calls[name] ?? 0) > 0);
      expect(asked('replica')).toEqual([true, true, true]);
      // This library takes primaries for one of those who may answer a read.
      expect(client === 'node-redis' || !asked('primary').includes(true)).toBe(true);
    });
    expect(counts).toMatchObject({ failed: 0, unknown: 0 });
    for (const { verb, replica } of operations) expect(replica).toBe(verb === 'get');
  });
  it.each(libraries.flatMap((client) => [registers, transactions, setAdd].map((make) => [client, make.kind.name, make] as const)))(
    'goes through %s: %s',
    async (client, _, make) => {
      const result = await seen(ground, make({ ...closed, client, pipeline: 2 }));
      expectSound(result, 6);
      for (const { node } of result.operations) expect(node).toBeNull();
    },
  );
  it.each(['bare', ...libraries] as const)('stands at the places of its clients: %s', async (client) => {
    const [place] = ground.cluster.places;
    const workload = registers({ ...closed, client, places: ['client-1'] });
    const result = await seen(ground, workload, async () => {
      for (const node of ground.primaries) {
        const clients = String(await ground.ask(node, 'CLIENT', 'LIST')).split('\n');
        const ours = clients.filter((line) => / cmd=(get|set) /.test(line));
        expect(ours.length).toBeGreaterThanOrEqual(6);
        for (const line of ours) expect(/ addr=([\d.]+):/.exec(line)?.[1]).toBe(place?.address);
      }
    });
    expectSound(result, 6);
  });
});

describe('a load on a cluster with TLS', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await Ground.open({ tls: true });
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  it.each(['bare', ...libraries] as const)('goes through %s', async (client) => {
    expectSound(await seen(ground, registers({ ...closed, client })), 6);
  });
});
