import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { together } from '../../src/base/together.ts';
import type { Cluster } from '../../src/cluster.ts';
import { Load, openLoad } from '../../src/load.ts';
import { keysOf } from '../../src/load/keys.ts';
import type { OpenSession } from '../../src/load/session.ts';
import { type Operation, operationOf, scanHistory } from '../../src/timeline/history.ts';
import type { Workload } from '../../src/workload.ts';
import counters from '../../src/workload/counters.ts';
import mixed from '../../src/workload/mixed.ts';
import registers from '../../src/workload/registers.ts';
import setAdd from '../../src/workload/set-add.ts';
import transactions from '../../src/workload/transactions.ts';
import { type Answerer, bulk, fakeCluster, FakeServer, ok } from './server.ts';

/** What a node does that takes everything and has nothing. */
const agreeable: Answerer = ([name = '']) =>
  ({
    GET: '$-1\r\n',
    LRANGE: '*0\r\n',
    SMEMBERS: '*0\r\n',
    MGET: '*2\r\n$-1\r\n$-1\r\n',
    INCR: ':1\r\n',
    EXEC: '*2\r\n$-1\r\n$-1\r\n',
    WAIT: ':1\r\n',
  })[name] ?? ok;

/** Six nodes on this machine. */
async function nodesThat(answer: Answerer = agreeable): Promise<{ readonly servers: FakeServer[]; readonly cluster: Cluster }> {
  const servers = await together([1, 2, 3, 4, 5, 6], () => FakeServer.open(answer));
  onTestFinished(async () => void (await together(servers, (server) => server.close())));
  return { servers, cluster: fakeCluster(servers.map(({ dial }) => dial)) };
}

/** Loads that a test has thrown away itself. */
const thrownAway = new WeakSet<Load>();
function throwAway(load: Load): void {
  thrownAway.add(load);
  load[Symbol.dispose]();
}

interface Loaded {
  readonly load: Load;
  readonly folder: string;
  /** What is in the history so far. */
  readonly operations: () => Operation[];
}

const partsOf = (cluster: Cluster, workload: Workload, seed = 1) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'load-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return {
    cluster,
    workload,
    random: seededRandom(seed),
    nowMs: () => performance.now(),
    folder,
    onUnwritable: (error: unknown): never => {
      throw error;
    },
  };
};

function started(load: Load, folder: string): Loaded {
  onTestFinished(() => (thrownAway.has(load) ? undefined : load[Symbol.dispose]()));
  load.start();
  const operations = (): Operation[] => {
    const all: Operation[] = [];
    expect(scanHistory(folder, (row, names) => all.push(operationOf(row, names))).defects).toEqual([]);
    return all;
  };
  return { load, folder, operations };
}

async function loaded(cluster: Cluster, workload: Workload, seed = 1): Promise<Loaded> {
  const parts = partsOf(cluster, workload, seed);
  return started(await openLoad(parts), parts.folder);
}

const done = ({ counts }: Load): number => counts.ok + counts.failed + counts.unknown;
const patient = { timeout: 20_000, interval: 5 };
const closed = { rate: 'closed', clients: 4, keys: 12 } as const;

describe('the operations of a load', () => {
  /** What was asked for; the value of a read or an increment is an answer. */
  const asked = ({ id, client, verb, key, slot, value }: Operation): unknown => [
    id,
    client,
    verb,
    key,
    slot,
    ['set', 'add', 'append', 'set-pair'].includes(verb) ? value : null,
  ];

  it.each([
    ['registers', registers({ ...closed, pipeline: 3 })],
    ['transactions', transactions(closed)],
    ['sets', setAdd({ ...closed, distribution: 'sharded' })],
    ['the mixture', mixed({ ...closed, distribution: 'zipf' })],
  ])('are the same for the same seed, whatever the servers do: %s', async (_, workload) => {
    const even = await nodesThat();
    let n = 0;
    // Every answer takes another time, and some are errors after which the client asks for the topology.
    const odd = await nodesThat((command, socket, connection) => {
      const answer = agreeable(command, socket, connection) as string;
      n++;
      if (command[0] === 'CLIENT' || n % 7 === 0) return answer;
      if (n % 5 === 0) return '-CLUSTERDOWN Hash slot not served\r\n';
      return answer;
    });
    for (const server of odd.servers.slice(0, 2)) server.hangUp();
    const [one, two] = [await loaded(even.cluster, workload), await loaded(odd.cluster, workload)];
    await expect.poll(() => Math.min(done(one.load), done(two.load)), patient).toBeGreaterThan(300);
    await together([one, two], ({ load }) => load.stop());
    const [first, second] = [one, two].map(({ operations }) => new Map(operations().map((operation) => [operation.id, asked(operation)])));
    const both = [...(first ?? [])].filter(([id]) => second?.has(id));
    expect(both.length).toBeGreaterThan(150);
    expect(both.map(([, operation]) => operation)).toEqual(both.map(([id]) => second?.get(id)));
    expect(two.load.counts.failed).toBeGreaterThan(0);
  });
  it('are others for another seed', async () => {
    const { cluster } = await nodesThat();
    const [one, two] = [await loaded(cluster, registers(closed), 1), await loaded(cluster, registers(closed), 2)];
    await expect.poll(() => Math.min(done(one.load), done(two.load)), patient).toBeGreaterThan(100);
    await together([one, two], ({ load }) => load.stop());
    const keys = ({ operations }: Loaded): string[] =>
      operations()
        .toSorted((a, b) => a.id - b.id)
        .slice(0, 80)
        .map(({ key }) => key);
    expect(keys(one)).not.toEqual(keys(two));
  });
  it('have ids that are never the same twice, none left out, and reach the node that serves the slot', async () => {
    const { cluster, servers } = await nodesThat();
    const { load, operations } = await loaded(cluster, registers({ ...closed, pipeline: 5 }));
    await expect.poll(() => done(load), patient).toBeGreaterThan(500);
    await load.stop();
    const all = operations();
    expect(all.length).toBe(done(load));
    // Each of the twenty goes through its own numbers, one after the other.
    for (let lane = 0; lane < 20; lane++) {
      const ids = all.map(({ id }) => id).filter((id) => id % 20 === lane);
      expect(ids).toEqual(ids.map((_, index) => lane + 20 * index));
    }
    for (const { slot, node, client, id } of all) {
      expect(node).toBe(slot <= 5_460 ? 'node-1' : slot <= 10_922 ? 'node-2' : 'node-3');
      expect(client).toBe(id % 4);
    }
    expect(servers.slice(3).flatMap(({ heard }) => heard)).toEqual([]);
  });
});

describe('a load with a rate', () => {
  it('keeps its schedule through a silence, and counts from the intended start', async () => {
    let silent: (() => void)[] | undefined;
    const { cluster } = await nodesThat((command, socket, n) => {
      const answer = agreeable(command, socket, n);
      if (!silent) return answer;
      silent.push(() => socket.write(answer ?? ''));
      return undefined;
    });
    const rate = 2_000;
    const { load, operations } = await loaded(cluster, registers({ rate, clients: 4, timeoutMs: 60_000 }));
    await expect.poll(() => done(load), patient).toBeGreaterThan(50);
    silent = [];
    const before = done(load);
    await expect.poll(() => silent?.length, patient).toBe(4);
    const released = silent;
    silent = undefined;
    for (const answer of released) answer();
    await expect.poll(() => done(load), patient).toBeGreaterThan(before + 200);
    await load.stop();
    const all = operations().toSorted((a, b) => a.id - b.id);
    const startMs = (all[0] as Operation).dueAtMs;
    for (const { id, dueAtMs, sentAtMs } of all) {
      // A timer may fire up to a millisecond early, and then this start counts; `late` is a float of 32 bits.
      expect(Math.abs(dueAtMs - startMs - (id / rate) * 1_000)).toBeLessThan(2.1);
      expect(sentAtMs).toBeGreaterThanOrEqual(dueAtMs);
    }
    expect(all.map(({ id }) => id).slice(0, before)).toEqual(Array.from({ length: before }, (_, id) => id));
  });
  it('lets its process do other things where it is behind and everything is refused at once', async () => {
    // Nobody listens there.
    const { load } = await loaded(fakeCluster(), registers({ rate: 1_000_000, clients: 2 }));
    await expect.poll(() => load.counts.failed, patient).toBeGreaterThan(20);
    await load.stop();
    expect(load.counts).toMatchObject({ ok: 0, unknown: 0 });
  });
  it('ends without waiting for what is due much later', async () => {
    const { cluster } = await nodesThat();
    const { load } = await loaded(cluster, registers({ rate: 0.001, clients: 2 }));
    await expect.poll(() => done(load), patient).toBe(1);
    await load.stop();
    expect(done(load)).toBe(1);
  });
});

describe('a closed loop', () => {
  it.each([
    ['is refused', '-CLUSTERDOWN The cluster is down\r\n', 'clusterdown'],
    ['finds nobody there', null, 'refused'],
  ])('waits a moment after it %s', async (_, error, reason) => {
    const { cluster } = await nodesThat((command) => (command[0] === 'CLIENT' ? ok : (error ?? ok)));
    const { load, operations } = await loaded(error === null ? fakeCluster() : cluster, registers({ ...closed, clients: 2 }));
    await expect.poll(() => load.counts.failed, patient).toBeGreaterThan(20);
    await load.stop();
    const byClient = [0, 1].map((client) => operations().filter((operation) => operation.client === client));
    for (const mine of byClient) {
      expect(mine.map((operation) => operation.outcome)).toEqual(mine.map(() => 'failed'));
      expect(mine.at(-1)?.reason).toBe(reason);
      // At least so long, but for the millisecond by which a timer may fire early.
      for (const [index, { sentAtMs }] of mine.slice(1).entries())
        expect(sentAtMs - (mine[index] as Operation).doneAtMs).toBeGreaterThan(8.5);
    }
  });
  it('has one operation of each client under way, or as many as its pipeline has', async () => {
    let underWay = 0;
    const { cluster } = await nodesThat(([name]) => {
      if (name === 'CLIENT') return ok;
      underWay++;
      return undefined;
    });
    for (const pipeline of [1, 3]) {
      underWay = 0;
      const { load } = await loaded(cluster, registers({ ...closed, clients: 2, pipeline, timeoutMs: 60_000 }));
      await expect.poll(() => underWay, patient).toBe(2 * pipeline);
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      expect(underWay).toBe(2 * pipeline);
      throwAway(load);
    }
  });
});

describe('what becomes of an operation', () => {
  /** The rows of a load against nodes that answer so, by outcome and reason. */
  async function rows(answer: Answerer, workload: Workload, count = 40): Promise<Operation[]> {
    const { cluster } = await nodesThat(answer);
    const { load, operations } = await loaded(cluster, workload);
    await expect.poll(() => done(load), patient).toBeGreaterThan(count);
    await load.stop();
    return operations();
  }
  const verdicts = (all: readonly Operation[]): unknown =>
    [...new Set(all.map(({ outcome, reason }) => `${outcome} ${reason}`))].toSorted();

  it('is ok with what it wrote, or with what it read', async () => {
    const all = await rows(([name = '']) => (name === 'GET' ? bulk('7:xxx') : ok), registers(closed));
    expect(verdicts(all)).toEqual(['ok null']);
    for (const { verb, id, value } of all) expect(value).toBe(verb === 'get' ? 7 : id);
  });
  it('is failed by a MOVED, which is followed by the next one to that slot', async () => {
    // All of it belongs to node-4 now, and everybody knows.
    const { cluster, servers } = await nodesThat();
    const slotOf = (key = ''): number => Number(/\{(\d+)\}/.exec(key)?.[1]);
    const slots = new Map<number, number>();
    for (const server of servers.slice(0, 3))
      server.answer = ([name, key]) =>
        name === 'CLIENT' ? ok : name === 'CLUSTER' ? '-ERR no\r\n' : `-MOVED ${slots.get(slotOf(key))} 10.0.0.4:6379\r\n`;
    for (const { name, slot } of keysOf(cluster, 'registers', 12, 'even')) slots.set(slotOf(name), slot);
    const { load, operations } = await loaded(cluster, registers({ ...closed, clients: 1 }));
    await expect.poll(() => load.counts.ok, patient).toBeGreaterThan(100);
    await load.stop();
    const refused = operations().filter(({ outcome }) => outcome !== 'ok');
    expect(verdicts(refused)).toEqual(['failed moved']);
    // Once for each key.
    expect(refused.length).toBeLessThanOrEqual(12);
    expect(new Set(refused.map(({ key }) => key)).size).toBe(refused.length);
    for (const { node } of operations().filter(({ outcome }) => outcome === 'ok')) expect(node).toBe('node-4');
  });
  it('is unknown when no answer comes in time, and by an end of the connection', async () => {
    const { cluster, servers } = await nodesThat(([name]) => (name === 'CLIENT' ? ok : undefined));
    const { load, operations } = await loaded(cluster, registers({ ...closed, timeoutMs: 20 }));
    await expect.poll(() => load.counts.unknown, patient).toBeGreaterThan(8);
    await load.stop();
    // On a busy machine the greeting of a connection may take as long: then nothing was sent.
    const silent = operations().filter(({ reason }) => reason !== 'not-connected');
    expect(verdicts(silent)).toEqual(['unknown timeout']);
    const heard = () => servers.flatMap((server) => server.heard).filter(([name]) => name === 'GET' || name === 'SET');
    await expect.poll(() => heard().length, patient).toBe(silent.length);
    const ended = await rows(
      ([name], socket) => {
        if (name === 'SET' || name === 'GET') socket.end();
        return name === 'CLIENT' ? ok : undefined;
      },
      registers(closed),
      8,
    );
    expect(verdicts(ended)).toContain('unknown closed');
    const certain = ended.filter(({ outcome }) => outcome !== 'unknown');
    for (const { outcome, reason } of certain) expect(`${outcome} ${reason}`).toBe('failed not-connected');
  });
  it('is failed as a whole when a transaction is refused, and unknown by an error inside of EXEC', async () => {
    const options = { ...closed, readShare: 0 };
    const refusing: Answerer = ([name]) =>
      name === 'SET' ? '-CLUSTERDOWN Hash slot not served\r\n' : name === 'EXEC' ? '-EXECABORT Transaction discarded\r\n' : ok;
    expect(verdicts(await rows(refusing, transactions({ ...options, by: 'multi' })))).toEqual(['failed clusterdown']);
    const half: Answerer = ([name]) =>
      name === 'EXEC' ? '*2\r\n+OK\r\n-OOM command not allowed\r\n' : name === 'SET' ? '+QUEUED\r\n' : ok;
    expect(verdicts(await rows(half, transactions({ ...options, by: 'multi' })))).toEqual(['unknown oom']);
  });
  it('is unknown when WAIT tells of fewer replicas than were asked for, and reads do not wait', async () => {
    const waits: (readonly string[])[] = [];
    let enough = false;
    const answer: Answerer = (command, socket, n) => {
      if (command[0] !== 'WAIT') return agreeable(command, socket, n);
      waits.push(command);
      enough = !enough;
      return enough ? ':2\r\n' : ':1\r\n';
    };
    const all = await rows(answer, registers({ ...closed, wait: 2, waitTimeoutMs: 70 }));
    expect(verdicts(all)).toEqual(['ok null', 'unknown wait']);
    expect(new Set(waits.map((words) => words.join(' ')))).toEqual(new Set(['WAIT 2 70']));
    expect(waits.length).toBe(all.filter(({ verb }) => verb === 'set').length);
    for (const { outcome } of all.filter(({ verb }) => verb === 'get')) expect(outcome).toBe('ok');
  });
  it('is the sum for an increment', async () => {
    let sum = 0;
    const all = await rows(([name]) => (name === 'INCR' ? `:${++sum}\r\n` : ok), counters({ ...closed, readShare: 0 }));
    expect(all.map(({ value }) => value).toSorted((a, b) => a - b)).toEqual(all.map((_, index) => index + 1));
  });
});

describe('reads from replicas', () => {
  it('go to replicas that were told so, and writes to primaries', async () => {
    const { cluster, servers } = await nodesThat();
    const { load, operations } = await loaded(cluster, registers({ ...closed, readsFrom: 'replica', readShare: 0.5 }));
    await expect.poll(() => done(load), patient).toBeGreaterThan(200);
    await load.stop();
    const words = servers.map(({ heard }) => [...new Set(heard.map(([name]) => name))]);
    expect(words).toEqual([['SET'], ['SET'], ['SET'], ['READONLY', 'GET'], ['READONLY', 'GET'], ['READONLY', 'GET']]);
    for (const { verb, replica } of operations()) expect(replica).toBe(verb === 'get');
  });
});

describe('redirects', () => {
  /** node-1 sends everybody on to node-2; whether the other way of saying so is meant is the first word. */
  async function sentOn(word: string, redirects: Workload['redirects']) {
    const { cluster, servers } = await nodesThat();
    (servers[0] as FakeServer).answer = ([name]) => (name === 'SET' ? `-${word} 1 10.0.0.2:6379\r\n` : ok);
    const { load, operations } = await loaded(cluster, registers({ ...closed, keys: 3, readShare: 0, redirects }));
    await expect.poll(() => done(load), patient).toBeGreaterThan(200);
    await load.stop();
    const ofShard = operations().filter(({ slot }) => slot < 5_461);
    return { load, ofShard, heard: servers.map(({ heard }) => heard.map(([name]) => name)) };
  }
  it('are failures where the client only learns from them', async () => {
    const { load, ofShard } = await sentOn('ASK', 'learn');
    expect(new Set(ofShard.map(({ outcome, reason }) => `${outcome} ${reason}`))).toEqual(new Set(['failed ask']));
    expect(load.redirects).toBe(ofShard.length);
  });
  it('are followed and counted, each of them by a client that forgets', async () => {
    const { load, ofShard, heard } = await sentOn('MOVED', 'forget');
    expect(new Set(ofShard.map(({ outcome, node }) => `${outcome} ${node}`))).toEqual(new Set(['ok node-2']));
    expect(load.redirects).toBe(ofShard.length);
    expect(heard[0]).not.toContain('CLUSTER');
  });
  it('are followed with ASKING where the slot is on its way', async () => {
    const { ofShard, heard } = await sentOn('ASK', 'follow');
    expect(new Set(ofShard.map(({ outcome, node }) => `${outcome} ${node}`))).toEqual(new Set(['ok node-2']));
    expect(heard[1]?.filter((name) => name === 'ASKING')).toHaveLength(ofShard.length);
  });
  it('end where they lead in a circle', async () => {
    const { cluster, servers } = await nodesThat();
    const circle =
      (to: number): Answerer =>
      ([name]) =>
        name === 'SET' ? `-ASK 1 10.0.0.${to}:6379\r\n` : ok;
    (servers[0] as FakeServer).answer = circle(2);
    (servers[1] as FakeServer).answer = circle(1);
    const { load } = await loaded(cluster, registers({ ...closed, keys: 1, readShare: 0, redirects: 'follow' }));
    await expect.poll(() => done(load), patient).toBeGreaterThan(20);
    await load.stop();
    expect(load.counts.ok).toBe(0);
    expect(load.redirects).toBe(17 * done(load));
  });
});

describe('the end of a load', () => {
  it('records what a library never answers, and nothing that it answers later', async () => {
    const late: (() => void)[] = [];
    let asked = 0;
    const library: OpenSession = () => ({
      request: (_, __, onSent) => {
        onSent(null);
        asked++;
        if (asked <= 20) return Promise.resolve({ node: null, replies: ['OK'] });
        return new Promise((resolve) => late.push(() => resolve({ node: null, replies: ['OK'] })));
      },
      [Symbol.dispose]: () => {},
    });
    const parts = partsOf(fakeCluster(), registers({ ...closed, clients: 2, readShare: 0, timeoutMs: 1 }));
    const { load, operations } = started(new Load(parts, registers.kind, library), parts.folder);
    await expect.poll(() => late.length, patient).toBe(2);
    await load.stop();
    expect(load.counts).toEqual({ ok: 20, failed: 0, unknown: 2 });
    for (const answer of late) answer();
    await new Promise(setImmediate);
    expect(load.counts).toEqual({ ok: 20, failed: 0, unknown: 2 });
    const [left, other] = operations().slice(20);
    for (const operation of [left, other]) expect(operation).toMatchObject({ outcome: 'unknown', reason: 'never-answered', node: null });
    expect(new Set([left?.client, other?.client])).toEqual(new Set([0, 1]));
  });
  it('is told to whoever started it when a workload itself fails', async () => {
    const failures: unknown[] = [];
    const broken = {
      ...registers.kind,
      next: () => {
        throw new Error('a bug');
      },
    };
    const parts = { ...partsOf(fakeCluster(), registers(closed)), onFailure: (error: unknown) => failures.push(error) };
    const { load } = started(new Load(parts, broken), parts.folder);
    await expect.poll(() => failures.length, patient).toBeGreaterThan(0);
    expect(failures[0]).toMatchObject({ message: 'a bug' });
    await load.stop();
  });
  it('never takes an error of a library for proof that nothing happened', async () => {
    const library: OpenSession = () => ({
      request: () => Promise.resolve({ node: null, error: new Error('CLUSTERDOWN Hash slot not served'), sent: true }),
      [Symbol.dispose]: () => {},
    });
    const parts = partsOf(fakeCluster(), registers(closed));
    const { load, operations } = started(new Load(parts, registers.kind, library), parts.folder);
    await expect.poll(() => done(load), patient).toBeGreaterThan(4);
    await load.stop();
    for (const operation of operations()) expect(operation).toMatchObject({ outcome: 'unknown', reason: 'clusterdown' });
  });
  it('waits for the answers of what is under way, and can be asked for twice', async () => {
    const held: (() => void)[] = [];
    const { cluster } = await nodesThat(([name], socket) => {
      if (name === 'CLIENT') return ok;
      held.push(() => socket.write(ok));
      return undefined;
    });
    const { load } = await loaded(cluster, registers({ ...closed, clients: 2, readShare: 0, timeoutMs: 20_000 }));
    await expect.poll(() => held.length, patient).toBe(2);
    const stopped = load.stop();
    for (const answer of held) answer();
    await stopped;
    await load.stop();
    expect(load.counts).toEqual({ ok: 2, failed: 0, unknown: 0 });
    expect(held.length).toBe(2);
  });
  it('leaves a history that can be read when it is thrown away in the middle', async () => {
    const { cluster } = await nodesThat();
    const { load, operations } = await loaded(cluster, registers(closed));
    await expect.poll(() => done(load), patient).toBeGreaterThan(10);
    throwAway(load);
    expect(operations().length).toBe(done(load));
  });
});

describe('reading back', () => {
  it('asks every node for every key that was used, and says who could not', async () => {
    const { cluster, servers } = await nodesThat();
    const { load, operations } = await loaded(cluster, registers({ ...closed, readShare: 0 }));
    await expect.poll(() => done(load), patient).toBeGreaterThan(100);
    await load.stop();
    for (const [index, server] of servers.entries())
      server.answer = ([name, key]) =>
        name === 'ROLE'
          ? index < 3
            ? '*1\r\n$6\r\nmaster\r\n'
            : '*1\r\n$5\r\nslave\r\n'
          : name === 'GET'
            ? index % 3 === 0 || key === keysOf(cluster, 'registers', 1, 'even')[0]?.name
              ? bulk('3:xx')
              : '-MOVED 1 10.0.0.1:6379\r\n'
            : ok;
    await servers[5]?.close();
    const { keys, unreadable } = await load.readBack();
    expect({ keys, unreadable }).toEqual({ keys: 12, unreadable: 0 });
    const finals = operations().filter(({ final }) => final);
    expect(finals.length).toBe(6 * 12);
    const seen = (name: string): Set<string> =>
      new Set(
        finals.filter(({ node }) => node === name).map(({ outcome, reason, value, replica }) => `${outcome} ${reason} ${value} ${replica}`),
      );
    expect(seen('node-1')).toEqual(new Set(['ok null 3 false']));
    expect(seen('node-4')).toEqual(new Set(['ok null 3 true']));
    expect(seen('node-2')).toEqual(new Set(['ok null 3 false', 'failed moved -1 false']));
    expect(seen('node-6')).toEqual(new Set([expect.stringMatching(/^(failed|unknown) /)]));
    expect(new Set(operations().map(({ id }) => id)).size).toBe(operations().length);
  });
  it('counts keys that no node gives', async () => {
    const { cluster, servers } = await nodesThat();
    const { load } = await loaded(cluster, registers(closed));
    await expect.poll(() => done(load), patient).toBeGreaterThan(100);
    await load.stop();
    for (const server of servers) server.answer = ([name]) => (name === 'GET' ? '-LOADING wait\r\n' : ok);
    expect(await load.readBack()).toEqual({ keys: 12, unreadable: 12 });
  });
});

describe('a load that cannot be', () => {
  const places = [{ name: 'client-1' }, { name: 'client-2' }] as unknown as Cluster['places'];
  it.each([
    [{ ...registers(), kind: 'dreams' }, [], /^there is no workload called dreams/],
    [
      registers({ places: ['client-3'] }),
      [],
      /^the workload has clients at client-3, but the cluster has no places; .* places: 3 in the cluster/,
    ],
    [
      registers({ places: ['client-1', 'client-3'] }),
      places,
      /^the workload has clients at client-3, but the cluster has only 2 .* places: 3/,
    ],
    [registers({ client: 'ioredis', wait: 1 }), [], /^WAIT goes with the client 'bare' only: ioredis sends it/],
    [registers({ client: 'ioredis', redirects: 'forget' }), [], /^redirects: 'forget' goes with the client 'bare' only/],
  ])('is refused in one sentence: %#', async (workload, there, sentence) => {
    const error: unknown = await openLoad(partsOf({ ...fakeCluster(), places: there }, workload)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(sentence);
  });
});
