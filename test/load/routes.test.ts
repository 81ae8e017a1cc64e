import { describe, expect, it } from 'vitest';
import { Routes } from '../../src/load/routes.ts';
import { fakeCluster } from './server.ts';

interface Line {
  readonly node: number;
  readonly role: string;
  readonly primary?: number;
  readonly epoch?: number;
  readonly slots?: string;
}

/** CLUSTER NODES as a node would write it. */
const nodes = (lines: readonly Line[]): string =>
  lines
    .map(
      ({ node, role, primary, epoch = 1, slots = '' }) =>
        `${`${node}`.repeat(40)} 10.0.0.${node}:6379@16379 ${role} ${primary === undefined ? '-' : `${primary}`.repeat(40)} 0 0 ${epoch} connected ${slots}`,
    )
    .join('\n');

const places = (routes: Routes, ...slots: readonly number[]): string[] => slots.map((slot) => `node-${routes.primary(slot) + 1}`);

describe('routes', () => {
  it('begin with the layout of the cluster', () => {
    const routes = new Routes(fakeCluster());
    expect(places(routes, 0, 5_460, 5_461, 16_383)).toEqual(['node-1', 'node-1', 'node-2', 'node-3']);
    expect([0, 5_461, 16_383].map((slot) => routes.replicas(slot))).toEqual([[3], [4], [5]]);
  });
  it('believe a MOVED at once, to an address or a name, of its slot only', () => {
    const routes = new Routes(fakeCluster());
    routes.moved('MOVED 42 10.0.0.4:6379');
    routes.moved('MOVED 43 node-5:6379');
    expect(places(routes, 41, 42, 43)).toEqual(['node-1', 'node-4', 'node-5']);
  });
  it.each([
    ['to nobody known', 'MOVED 42 10.0.0.9:6379'],
    ['without a host', 'MOVED 42 :6379'],
    ['cut off', 'MOVED 42'],
    ['of another kind', 'ASK 42 10.0.0.4:6379'],
  ])('stay as they are by a redirect %s', (_, message) => {
    const routes = new Routes(fakeCluster());
    routes.moved(message);
    expect(places(routes, 42)).toEqual(['node-1']);
  });
  it('take over what a node says of the topology', () => {
    const routes = new Routes(fakeCluster());
    routes.learn(
      nodes([
        { node: 1, role: 'master,fail' },
        { node: 4, role: 'myself,master', epoch: 7, slots: '0-5460' },
        { node: 5, role: 'slave', primary: 4 },
        { node: 6, role: 'slave,fail', primary: 4 },
      ]),
    );
    expect(places(routes, 0, 5_460, 5_461)).toEqual(['node-4', 'node-4', 'node-2']);
    expect(routes.replicas(0)).toEqual([4]);
  });
  it('read from the primary where no replica is known', () => {
    const routes = new Routes(fakeCluster());
    routes.learn(nodes([{ node: 1, role: 'myself,master', slots: '0-5460' }]));
    expect(routes.replicas(0)).toEqual([0]);
  });
  it('never let an older config epoch win over a newer one, slot by slot', () => {
    const routes = new Routes(fakeCluster());
    routes.learn(nodes([{ node: 4, role: 'myself,master', epoch: 7, slots: '0-100' }]));
    routes.learn(nodes([{ node: 1, role: 'myself,master', epoch: 3, slots: '0-5460' }]));
    expect(places(routes, 0, 100, 101)).toEqual(['node-4', 'node-4', 'node-1']);
    routes.learn(nodes([{ node: 1, role: 'myself,master', epoch: 8, slots: '0-5460' }]));
    expect(places(routes, 0)).toEqual(['node-1']);
  });
  it('come back from the MOVED of a node that was behind', () => {
    const routes = new Routes(fakeCluster());
    const now = nodes([{ node: 4, role: 'myself,master', epoch: 7, slots: '0-5460' }]);
    routes.learn(now);
    routes.moved('MOVED 42 10.0.0.1:6379');
    expect(places(routes, 42)).toEqual(['node-1']);
    routes.learn(now);
    expect(places(routes, 42)).toEqual(['node-4']);
  });
  it('know nothing of members that the cluster was not formed with', () => {
    const routes = new Routes(fakeCluster());
    routes.learn(
      nodes([
        { node: 9, role: 'master', epoch: 9, slots: '0-5460' },
        { node: 8, role: 'slave', primary: 2 },
      ]),
    );
    expect(places(routes, 0)).toEqual(['node-1']);
    expect(routes.replicas(5_461)).toEqual([1]);
  });
});

describe('asking for the topology', () => {
  const moved = nodes([{ node: 4, role: 'myself,master', epoch: 7, slots: '0-5460' }]);
  it('is done once for all who are in trouble, and again a while later', async () => {
    const routes = new Routes(fakeCluster());
    let asked = 0;
    let answer: (text: string) => void = () => {};
    const ask = (): Promise<string> => {
      asked++;
      return new Promise((resolve) => (answer = resolve));
    };
    const first = routes.refresh(1_000, ask);
    await routes.refresh(5_000, ask);
    expect(asked).toBe(1);
    answer(moved);
    await first;
    expect(places(routes, 0)).toEqual(['node-4']);
    await routes.refresh(1_099, ask);
    expect(asked).toBe(1);
    const again = routes.refresh(1_100, ask);
    expect(asked).toBe(2);
    answer(moved);
    await again;
  });
  it.each([
    ['is unreachable', () => Promise.reject(new Error('not connected'))],
    ['answers something else', () => Promise.resolve('LOADING Redis is loading the dataset in memory')],
    ['is cut off in the middle', () => Promise.resolve(moved.slice(0, 50))],
  ])('leaves what is believed where the node %s, and can be done again', async (_, ask) => {
    const routes = new Routes(fakeCluster());
    await routes.refresh(1_000, ask);
    expect(places(routes, 0)).toEqual(['node-1']);
    await routes.refresh(2_000, () => Promise.resolve(moved));
    expect(places(routes, 0)).toEqual(['node-4']);
  });
});
