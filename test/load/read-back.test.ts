import { describe, expect, it, onTestFinished } from 'vitest';
import { together } from '../../src/base/together.ts';
import type { Cluster } from '../../src/cluster.ts';
import { keysOf } from '../../src/load/keys.ts';
import { readBack } from '../../src/load/read-back.ts';
import type { Operation } from '../../src/timeline/history.ts';
import registers from '../../src/workload/registers.ts';
import { type Answerer, bulk, fakeCluster, FakeServer, ok } from './server.ts';

async function nodesThat(answer: Answerer): Promise<{ readonly servers: FakeServer[]; readonly cluster: Cluster }> {
  const servers = await together([1, 2, 3, 4, 5, 6], () => FakeServer.open(answer));
  onTestFinished(async () => void (await together(servers, (server) => server.close())));
  return { servers, cluster: fakeCluster(servers.map(({ dial }) => dial)) };
}

/** What is found under so many keys. */
async function found(cluster: Cluster, keys: number): Promise<Operation[]> {
  const operations: Operation[] = [];
  const history = { add: (operation: Operation) => void operations.push(operation), flush: () => {} };
  await readBack(cluster, keysOf(cluster, 'registers', keys, 'even'), registers.kind.final, 1_000, history, () => performance.now());
  return operations;
}

const role = (name: string): string => `*1\r\n${bulk(name)}`;

describe('reading back', () => {
  it('knows of a node that it is a primary no longer', async () => {
    const { cluster, servers } = await nodesThat(([name]) => (name === 'ROLE' ? role('slave') : name === 'GET' ? '$-1\r\n' : ok));
    let asked = 0;
    (servers[0] as FakeServer).answer = ([name]) =>
      name === 'ROLE' ? role(asked++ === 0 ? 'master' : 'slave') : name === 'GET' ? '$-1\r\n' : ok;
    const first = (await found(cluster, 450)).filter(({ node }) => node === 'node-1');
    expect(first.map(({ replica }) => replica)).toEqual(first.map((_, index) => index >= 200));
  });
  it('does not hold for a primary who does not tell its role', async () => {
    const { cluster } = await nodesThat(([name]) => (name === 'ROLE' ? '-LOADING wait\r\n' : name === 'GET' ? bulk('3') : ok));
    for (const operation of await found(cluster, 6)) expect(operation).toMatchObject({ outcome: 'ok', value: 3, replica: true });
  });
  it('follows ASK to the node that has the key of an open slot', async () => {
    const { cluster, servers } = await nodesThat(([name], socket) =>
      name === 'ROLE'
        ? role(socket.localPort === servers[0]?.dial.port ? 'master' : 'slave')
        : name === 'GET'
          ? '-MOVED 1 elsewhere\r\n'
          : ok,
    );
    const [first, second] = servers as [FakeServer, FakeServer];
    first.answer = ([name]) => (name === 'ROLE' ? role('master') : name === 'GET' ? '-ASK 1 10.0.0.2:6379\r\n' : ok);
    let asking = false;
    second.answer = ([name]) => {
      const asked = asking;
      asking = name === 'ASKING';
      if (name === 'ROLE') return role('master');
      return name !== 'GET' ? ok : asked ? bulk('7') : '-MOVED 1 elsewhere\r\n';
    };
    const answered = (await found(cluster, 3)).filter(({ outcome }) => outcome === 'ok');
    expect(answered.map(({ node, value, replica }) => [node, value, replica])).toEqual(
      Array.from({ length: 3 }, () => ['node-2', 7, false]),
    );
  });
  it('asks a node nothing more after it has not answered once', async () => {
    const { cluster, servers } = await nodesThat(([name]) => (name === 'ROLE' ? role('master') : name === 'GET' ? bulk('3') : ok));
    const dead = servers[1] as FakeServer;
    dead.answer = ([name], socket) => {
      if (name === 'GET') socket.destroy();
      return name === 'GET' ? undefined : ok;
    };
    const all = await found(cluster, 1_000);
    expect(all.length).toBe(6 * 1_000);
    const silent = all.filter(({ node }) => node === 'node-2');
    expect(new Set(silent.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
    expect(dead.heard.filter(([name]) => name === 'ROLE')).toHaveLength(1);
  });
});
