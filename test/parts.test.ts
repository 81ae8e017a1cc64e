import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../src/base/duration.ts';
import { UsageError } from '../src/base/errors.ts';
import { seededRandom } from '../src/base/random.ts';
import { layOut, nodesConf } from '../src/cluster/form.ts';
import { logKind } from '../src/cluster/log-kind.ts';
import { parseClusterNodes } from '../src/cluster/topology.ts';
import { parseLogLine } from '../src/driver/container/log-line.ts';
import { addressIn, candidates, overlaps } from '../src/driver/container/subnet.ts';
import { endpoints } from '../src/driver/endpoint.ts';
import type { Host } from '../src/driver.ts';
import blockBus from '../src/fault/block-bus.ts';
import { packetsOf } from '../src/firewall.ts';
import { detectionBoundsMs, electionDelayBoundsMs, failoverBoundsMs, isolatedWritesMs } from '../src/timeline/theory.ts';
import { parseEvents } from '../src/timeline/timeline.ts';
import { outcomeOf } from '../src/workload/outcome.ts';
import { healthy, recorded, run } from './recorded.ts';

const hosts = Array.from({ length: 6 }, (_, index): Host => ({
  name: `node-${index + 1}`,
  container: '',
  toolbox: '',
  address: `10.0.0.${index + 1}:6379`,
  gateway: '10.0.0.254',
  dial: { host: '', port: 0 },
}));

describe('parseDuration', () => {
  it('reads every unit', () =>
    expect(['250ms', '1.5s', '2m', '1h'].map((text) => parseDuration(text))).toEqual([250, 1_500, 120_000, 3_600_000]));
  it('refuses everything else with a UsageError', () => {
    for (const text of ['', '5', 's', '5 days', -1, null, undefined, {}]) expect(() => parseDuration(text)).toThrow(UsageError);
  });
});

describe('seededRandom', () => {
  it('gives the same choices for the same seed, and others for another', () => {
    const draw = (seed: number): number[] =>
      Array.from(
        { length: 20 },
        (
          (random) => () =>
            random.integer(0, 999)
        )(seededRandom(seed).fork('x')),
      );
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const firsts = Array.from({ length: 300 }, (_, seed) => seededRandom(seed).integer(0, 2));
    for (const choice of [0, 1, 2]) expect(firsts.filter((first) => first === choice).length).toBeGreaterThan(60);
  });
});

describe('nodesConf', () => {
  const nodes = layOut(hosts, 'run', [1, 1, 1]);
  it('describes all slots once and is read back by the parser', () => {
    for (const version of ['6.0.16', '7.0.15', '8.0.2']) {
      const text = nodesConf(nodes, nodes[0] as never, { kind: 'redis', version, image: '' });
      const view = parseClusterNodes(text.replace(/vars .*\n/, ''));
      expect(view.flatMap(({ slots }) => slots).reduce((sum, [first, last]) => sum + last - first + 1, 0)).toBe(16_384);
      expect(new Set(view.filter(({ flags }) => flags.includes('master')).map(({ configEpoch }) => configEpoch)).size).toBe(3);
    }
  });
  it('writes shard ids only for engines that keep them', () => {
    expect(nodesConf(nodes, nodes[0] as never, { kind: 'redis', version: '7.0.15', image: '' })).not.toContain('shard-id');
    expect(nodesConf(nodes, nodes[0] as never, { kind: 'valkey', version: '8.1.1', image: '' })).toContain('shard-id');
  });
  it('has names beside addresses or instead of them, where they are announced', () => {
    const of = (version: string, hostnames: 'announced' | 'as-address') =>
      parseClusterNodes(nodesConf(nodes, nodes[0] as never, { kind: 'redis', version, image: '' }, hostnames).replace(/^vars .*$/m, ''))[1];
    for (const version of ['7.0.15', '8.0.6']) {
      expect(of(version, 'announced')).toMatchObject({ address: nodes[1]?.address, hostname: 'node-2' });
      expect(of(version, 'as-address')).toMatchObject({ address: 'node-2:6379' });
    }
  });
});

describe('subnets', () => {
  it('overlap when one contains the other', () => {
    expect(overlaps('10.0.0.0/8', '10.200.3.0/24')).toBe(true);
    expect(overlaps('10.200.2.0/24', '10.200.3.0/24')).toBe(false);
    expect(overlaps('fe80::1/64', '10.0.0.0/8')).toBe(false);
  });
  it('are offered only when they collide with nothing', () => {
    fc.assert(
      fc.property(fc.nat(20_000), (start) => {
        const { value } = candidates(start, ['10.200.0.0/14']).next();
        expect(overlaps(value as string, '10.200.0.0/14')).toBe(false);
      }),
    );
    expect(candidates(0, ['10.0.0.0/8']).next().done).toBe(true);
  });
  it('number their addresses', () => expect(addressIn('10.3.4.0/24', 11)).toBe('10.3.4.11'));
});

describe('engine logs', () => {
  it("keep the engine's own time stamp", () =>
    expect(parseLogLine('2026-11-24T00:32:35.1Z 1:M 24 Nov 2026 00:32:34.687 * Ready').epochMs).toBe(
      Date.UTC(2026, 10, 24, 0, 32, 34, 687),
    ));
  it('are understood in both vocabularies', () => {
    expect(logKind('1:S … # Failover election won: I am the new primary.')).toBe('election-won');
    expect(logKind('1:S … * MASTER <-> REPLICA sync: Finished with success')).toBe('sync-finished');
    expect(logKind('1:S … * PRIMARY <-> REPLICA sync: Finished with success')).toBe('sync-finished');
    expect(logKind('1:M … * something else')).toBeNull();
  });
});

describe('blockBus', () => {
  const cluster = {
    engine: run.engine,
    nodes: layOut(hosts, 'run', [1, 1, 1]),
    places: [],
    settings: {},
    patience: new Map(),
    hosts: null as never,
    shapes: 'nfqueue' as const,
  };
  const topology = cluster.nodes.map((node) => ({
    ...healthy('node-1').topology[0],
    id: node.id,
    flags: [node.formedAs === 'primary' ? 'master' : 'slave'],
    slots: node.slots,
  })) as never;
  it('plans the same victim for the same seed, as JSON', () => {
    const plan = (seed: number): unknown => blockBus('one primary').plan(cluster, topology, seededRandom(seed));
    expect(plan(7)).toEqual(plan(7));
    expect(JSON.parse(JSON.stringify(plan(7)))).toEqual(plan(7));
  });
  it('refuses a target that means nothing', () => {
    expect(() => blockBus('one prymary').plan(cluster, topology, seededRandom(1))).toThrow(UsageError);
  });
  it('drops the port in both directions in chains of its own', () => {
    const [action] = blockBus('node-2').actions(
      { nodes: ['node-2'], ids: ['x'], addresses: ['10.0.0.12:6379'], direction: 'both', connections: 'both' },
      'run-1',
    );
    const script = JSON.stringify(action?.do);
    expect(script.match(/-j DROP/g)).toHaveLength(4);
    expect(script).toContain('SLOTQUAKE-run-1-IN');
    expect(JSON.stringify(action?.undo)).not.toMatch(/-F (INPUT|OUTPUT)/);
  });
  it('counts the packets of its rules', () =>
    expect(packetsOf('Chain X (1 references)\n  pkts bytes target\n  12  720 DROP tcp\n   3  180 DROP tcp')).toBe(15));
});

describe('theory', () => {
  const redis = { ...run, settings: { 'cluster-node-timeout': '2000' } };
  const valkey = { ...redis, engine: { kind: 'valkey' as const, version: '9.1.2', image: '' } };
  it('bounds detection and failover as the engine code does', () => {
    expect(detectionBoundsMs(redis)).toEqual([2_000, 4_300]);
    expect(failoverBoundsMs(redis)).toEqual([2_500, 5_500]);
    expect(electionDelayBoundsMs(valkey)[0]).toBe(0);
    expect(isolatedWritesMs(redis)).toBe(3_200);
  });
});

describe('outcomeOf', () => {
  it('separates what did not happen from what may have', () => {
    expect(outcomeOf(new Error('MOVED 1 10.0.0.1:6379')).outcome).toBe('failed');
    expect(outcomeOf(new Error('CLUSTERDOWN The cluster is down')).outcome).toBe('failed');
    expect(outcomeOf(new Error('Command timed out')).outcome).toBe('unknown');
    expect(outcomeOf(new Error('Connection is closed.')).outcome).toBe('unknown');
    expect(outcomeOf(new Error('never heard of it')).outcome).toBe('unknown');
  });
});

describe('an old record', () => {
  const line = (seq: number): string => `${JSON.stringify({ seq, atMs: seq, type: 'noted', text: 'x' })}\n`;
  it('is used as far as it is whole, and says what is not', () => {
    expect(parseEvents(`${line(0)}garbage\n${line(1)}${line(4)}{"seq":5,`)).toMatchObject({
      events: [{ seq: 0 }, { seq: 1 }, { seq: 4 }],
      defects: [
        expect.stringContaining('line 2'),
        expect.stringContaining('lacks events 2 to 3'),
        expect.stringContaining('middle of a line'),
      ],
    });
  });
  it('has each event once, in the order of their numbers', () => {
    expect(parseEvents(`${line(0)}${line(2)}${line(2)}${line(1)}${line(3)}`)).toMatchObject({
      events: [{ seq: 0 }, { seq: 2 }, { seq: 3 }],
      defects: ['timeline.jsonl lacks events 1 to 1', expect.stringContaining('line 3 repeats'), expect.stringContaining('line 4 repeats')],
    });
  });

  const whole = recorded().events.slice(0, 30);
  /** What is no event any more: cut off, another JSON value, or without a number, a time or a type. */
  const damaged = fc.oneof(
    fc.nat().map((at) => (text: string) => text.slice(0, at % text.length)),
    fc.jsonValue().map((value) => () => JSON.stringify([value])),
    fc.tuple(fc.constantFrom('seq', 'atMs', 'type'), fc.constantFrom(null, undefined, true, [], {})).map(
      ([field, value]) =>
        (text: string) =>
          JSON.stringify({ ...JSON.parse(text), [field]: value }),
    ),
  );
  it('loses no event but those whose lines are damaged, and names each of these', () => {
    const damages = fc.dictionary(fc.integer({ min: 0, max: whole.length - 1 }).map(String), damaged, { maxKeys: 10 });
    fc.assert(
      fc.property(damages, (byLine) => {
        const lines = whole.map((event, index) => (byLine[index] ?? ((text) => text))(JSON.stringify(event)));
        const { events, defects } = parseEvents(`${lines.join('\n')}\n`);
        expect(events).toEqual(whole.filter((_, index) => !(index in byLine)));
        for (const index of Object.keys(byLine))
          expect(defects).toContainEqual(expect.stringContaining(`line ${Number(index) + 1} is not an`));
      }),
    );
  });
  it('gives nothing but events in their order, whatever bytes have changed', () => {
    const text = whole.map((event) => `${JSON.stringify(event)}\n`).join('');
    const changes = fc.array(fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...'{}[]",:0123456789-.ne\n')), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(changes, (made) => {
        const bytes = [...text];
        for (const [at, byte] of made) bytes[at] = byte;
        const { events } = parseEvents(bytes.join(''));
        expect(events.length).toBeGreaterThan(0);
        for (const { seq, atMs, type } of events)
          expect([Number.isInteger(seq), Number.isFinite(atMs), typeof type]).toEqual([true, true, 'string']);
        const numbers = events.map(({ seq }) => seq);
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('endpoints', () => {
  it('obey DOCKER_HOST before all else', () => expect(endpoints({ DOCKER_HOST: 'tcp://x:1' }, '/nowhere')).toEqual(['tcp://x:1']));
  it('fall back to the usual sockets', () => expect(endpoints({}, '/nowhere')[0]).toBe('unix:///var/run/docker.sock'));
});
