import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { together } from '../src/base/together.ts';
import { adoptCluster } from '../src/cluster/adopt.ts';
import { connectNode } from '../src/cluster/client.ts';
import { nodeNamed } from '../src/cluster.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import { type Host, type Place, through } from '../src/driver.ts';
import type { Fault } from '../src/fault.ts';
import isolate from '../src/fault/isolate.ts';
import partition from '../src/fault/partition.ts';
import { ProvingGround } from './fault/proving-ground.ts';

/** How long a node that answers may take; one that is cut off answers after no time at all. */
const silentAfterMs = 1_000;
const signal = new AbortController().signal;

const open = ({ host, port, tls }: Host['dial']): Socket =>
  tls ? connectTls({ host, port, ...tls, checkServerIdentity: () => undefined }) : connectTcp({ host, port });

/** What a fresh connection gets to see of the node: '+PONG', the code of an error, 'closed', or 'silence'. */
async function seen(dial: Host['dial']): Promise<string> {
  const socket = open(dial);
  const outcome = new Promise<string>((resolve) => {
    socket.on(dial.tls ? 'secureConnect' : 'connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => resolve(String(data).trim()));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed'));
  });
  const timer = new AbortController();
  try {
    return await Promise.race([outcome, delay(silentAfterMs, 'silence', { signal: timer.signal })]);
  } finally {
    timer.abort();
    socket.destroy();
  }
}

interface Talk extends Disposable {
  say(text: string): void;
  /** All that it has received so far. */
  readonly heard: string;
  readonly ended: boolean;
}

/** A connection that stays open. */
async function talk(dial: Host['dial']): Promise<Talk> {
  const socket = open(dial);
  let heard = '';
  let ended = false;
  socket.on('data', (data) => (heard += String(data)));
  socket.on('error', () => {});
  socket.on('close', () => (ended = true));
  await new Promise((resolve) => socket.once(dial.tls ? 'secureConnect' : 'connect', resolve));
  return {
    say: (text) => void socket.write(`${text}\r\n`),
    get heard() {
      return heard;
    },
    get ended() {
      return ended;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

describe.each([
  ['by address', 'auto', false],
  ['by published ports and over TLS', 'ports', true],
] as const)('places reached %s', (_, reach, tls) => {
  let ground: ProvingGround;
  let one: Place;
  let two: Place;
  beforeAll(async () => {
    ground = await ProvingGround.open(false, { places: 2, tls }, reach);
    [one, two] = ground.cluster.places as [Place, Place];
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  const node = (name: string): Host => nodeNamed(ground.cluster, name);
  const all = (): readonly Host[] => [...ground.cluster.nodes, ...(ground.cluster.spares ?? [])];
  /** Members that answer a client at the place. */
  const reached = async (place: Place): Promise<string[]> =>
    (await together(ground.cluster.nodes, async (host) => ((await seen(place.dial(host))) === '+PONG' ? [host.name] : []))).flat();
  const everybody = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6'];
  const whileInForce = async (fault: Fault, look: () => Promise<void>): Promise<void> => {
    await ground.healthy();
    const before = await ground.snapshot();
    const active = await ground.injector().inject(fault, signal);
    try {
      await look();
    } finally {
      await active.heal();
    }
    expect(await together([one, two], reached)).toEqual([everybody, everybody]);
    await ground.healthy();
    expect(await ground.changes(before)).toEqual([]);
  };

  it('lead to every node and every spare, which see the address of the place', async () => {
    expect([one.name, two.name]).toEqual(['client-1', 'client-2']);
    for (const place of [one, two]) {
      const addresses = await together(all(), async (host) => {
        const client = connectNode(through(place, host), { timeoutMs: 1_000, name: 'from-a-place' });
        try {
          const list = await poll('an answer', async () => String(await client.call('CLIENT', 'LIST')), { withinMs: 30_000 });
          return /addr=([\d.]+):\d+ .*name=from-a-place /.exec(list)?.[1];
        } finally {
          client.disconnect();
        }
      });
      expect(addresses).toEqual(all().map(() => place.address));
    }
  });

  it('refuse what the node refuses, and lead to it again once it is back', async () => {
    using established = await talk(one.dial(node('node-4')));
    await ground.must({ run: 'kill', node: 'node-4', signal: 'SIGKILL' });
    try {
      // Published ports are accepted before the node is asked.
      expect(await seen(one.dial(node('node-4')))).toMatch(reach === 'ports' ? /^(closed|ECONNRESET)$/ : /^ECONNREFUSED$/);
      expect(await seen(two.dial(node('node-5')))).toBe('+PONG');
      await poll('the end of the open connection', () => expect(established.ended).toBe(true), { withinMs: 30_000 });
    } finally {
      await ground.must({ run: 'start', node: 'node-4' });
    }
    await poll('node-4 to answer', async () => expect(await seen(one.dial(node('node-4')))).toBe('+PONG'), { withinMs: 10_000 });
  });

  it('stand on the sides of a partition, and reach all nodes again after the heal', () =>
    whileInForce(partition('node-1, node-4', { withTarget: 'client-1' }), async () => {
      expect(await together([one, two], reached)).toEqual([
        ['node-1', 'node-4'],
        ['node-2', 'node-3', 'node-5', 'node-6'],
      ]);
      // The harness itself stands on neither side.
      for (const host of ground.cluster.nodes) expect(await seen(host.dial)).toBe('+PONG');
    }));

  it('keep connections that were open: silent while parted, and answered after the heal', async () => {
    using parted = await talk(one.dial(node('node-2')));
    using near = await talk(one.dial(node('node-1')));
    await whileInForce(partition('node-1, node-4', { withTarget: 'client-1' }), async () => {
      parted.say('PING');
      near.say('PING');
      await poll('the answer of the near side', () => expect(near.heard).toBe('+PONG\r\n'), { withinMs: 30_000 });
      expect(parted.heard).toBe('');
    });
    await poll('the answer of the far side', () => expect(parted.heard).toBe('+PONG\r\n'), { withinMs: 60_000 });
  });

  it('go with the target when that is isolated, and lose all other nodes', () =>
    whileInForce(isolate('node-1', { withTarget: 'client-1' }), async () => {
      expect(await together([one, two], reached)).toEqual([['node-1'], everybody.slice(1)]);
    }));

  it('are heard but not answered beyond a one-way partition', async () => {
    using talker = await talk(two.dial(node('node-1')));
    using reader = await talk(node('node-1').dial);
    // It may no longer be the primary that it was formed as, and a replica refuses writes: a client's name can be read anywhere.
    await whileInForce(partition('node-1, node-4', { oneWay: true, withTarget: 'client-1' }), async () => {
      talker.say('CLIENT SETNAME heard-one-way');
      await poll(
        'the command to arrive',
        () => {
          reader.say('CLIENT LIST');
          if (!reader.heard.includes('name=heard-one-way ')) throw new Error('no client is called so');
        },
        { withinMs: 30_000 },
      );
      expect(talker.heard).toBe('');
    });
    await poll('the answer', () => expect(talker.heard).toBe('+OK\r\n'), { withinMs: 60_000 });
  });

  it('are the same to another process', async () => {
    const { places } = await adoptCluster(await dockerDriver(), ground.runId);
    const ways = (from: readonly Place[]) => from.map((place) => ({ ...place, dial: all().map((host) => place.dial(host)) }));
    expect(ways(places)).toEqual(ways([one, two]));
  });

  it('belong to their run, and go with it', async () => {
    const driver = await dockerDriver();
    const ours = async () => (await driver.leftovers()).find(({ runId }) => runId === ground.runId);
    expect((await ours())?.resources).toEqual(
      expect.arrayContaining([one, two].map(({ name }) => ({ kind: 'container', name: `slotquake-${ground.runId}-${name}` }))),
    );
    await ground.cluster.hosts.remove();
    expect(await ours()).toBeUndefined();
  });
});
