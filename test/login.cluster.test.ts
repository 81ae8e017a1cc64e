import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adoptCluster } from '../src/cluster/adopt.ts';
import type { Node } from '../src/cluster.ts';
import { engine, type Login } from '../src/driver.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import { Connection } from '../src/load/connection.ts';
import { ProvingGround } from './fault/proving-ground.ts';

const topologies: readonly (readonly [string, Login, Parameters<typeof ProvingGround.open>[1]])[] = [
  ['a password', { password: 's3cret' }, { config: { requirepass: 's3cret', masterauth: 's3cret' } }],
  [
    'a user',
    { username: 'harness', password: 'op3n' },
    {
      login: { username: 'harness', password: 'op3n' },
      config: { user: ['default off', 'harness on >op3n ~* &* +@all'], masteruser: 'harness', masterauth: 'op3n' },
    },
  ],
];

describe.each(topologies)('a cluster that wants %s', (_, login, spec) => {
  let ground: ProvingGround;
  beforeAll(async () => {
    ground = await ProvingGround.open(false, { spares: 0, tls: false, ...spec });
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  it('lets nobody in who says nothing', async () => {
    const { host, port } = (ground.cluster.nodes[0] as Node).dial;
    using stranger = new Connection({ host, port }, { name: 'stranger', timeoutMs: 5_000 });
    expect(await stranger.settled()).toBe(false);
    await expect(stranger.request([['PING']])).rejects.toThrow(/^NOAUTH/);
  });
  it('is adopted by another process, which learns how to log in', async () => {
    const { nodes, engine: told } = await adoptCluster(await dockerDriver(), ground.runId);
    expect(nodes.map(({ dial }) => dial.login)).toEqual(nodes.map(() => login));
    expect(told.version).toBe(ground.cluster.engine.version);
  });
  it('lets shells in, also at other nodes, and MIGRATE', async () => {
    const [, second] = ground.cluster.nodes;
    const target = second?.address.replace(':', ' ');
    // Its slot is 3300, which is of node-1.
    const script = `$CLI PING; $CLI -h ${target?.split(' ')[0]} PING; $CLI SET b 1; $CLI MIGRATE ${target} b 0 1000 COPY $MIGRATE_AUTH`;
    const { output } = await ground.cluster.hosts.perform(engine('node-1', script));
    expect(output.split('\n').slice(0, 2)).toEqual(['PONG', 'PONG']);
    expect(output).not.toMatch(/NOAUTH|WRONGPASS|NOPERM|AUTH failed/);
  });
});
