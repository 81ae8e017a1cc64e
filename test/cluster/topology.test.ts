import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashTagIn } from '../../src/cluster/hash-tag.ts';
import {
  keySlot,
  ParseError,
  parseClusterInfo,
  parseClusterLinks,
  parseClusterNodes,
  parseReplicationInfo,
  parseSlotKeys,
} from '../../src/cluster/topology.ts';
import { damaged, attempt } from '../damaged.ts';

const a = 'a'.repeat(40);
const b = 'b'.repeat(40);
const info = (replication: string): string =>
  `# Server\r\nredis_version:7.0.15\r\nrun_id:4f169ea9\r\n\r\n# Replication\r\n${replication}\r\nrepl_backlog_size:1048576\r\n# Stats\r\nsync_full:1\r\nsync_partial_ok:2\r\nsync_partial_err:3\r\n`;

describe('parseClusterNodes', () => {
  it.each([
    ['Redis 6.2 and 7.0', '10.0.0.1:6379@16379'],
    ['an engine with a host name', '10.0.0.1:6379@16379,redis-1.example'],
    ['an engine with an empty host name and aux fields', '10.0.0.1:6379@16379,,tls-port=0,shard-id=x'],
  ])('reads the line of %s', (_, place) => {
    expect(parseClusterNodes(`${a} ${place} myself,slave ${b} 0 1700000000000 3 connected\n`)).toMatchObject([
      { id: a, address: '10.0.0.1:6379', busPort: 16_379, primary: b, slots: [] },
    ]);
  });
  it('keeps every flag of a failing stranger, and an IPv6 address whole', () => {
    const [node] = parseClusterNodes(`${a} ::1:6379@16379 master,fail?,handshake - 1700000000001 0 0 disconnected 5`);
    expect(node).toMatchObject({
      address: '::1:6379',
      flags: ['master', 'fail?', 'handshake'],
      linked: false,
      pingSentAt: 1_700_000_000_001,
      slots: [[5, 5]],
    });
  });
  it('refuses an empty answer, a cut line and slots that do not exist', () => {
    const line = `${a} 10.0.0.1:6379@16379 myself,master - 0 0 3 connected`;
    for (const text of ['', '\n', line.slice(0, -3), `${line} 16384`, `${line} 9-8`, `${line} [16384->-${b}]`, `${line} x`])
      expect(() => parseClusterNodes(text)).toThrow(ParseError);
  });
  it('reads slots, open slots, host names, aux fields and missing addresses', () => {
    const view = parseClusterNodes(
      `${a} 10.0.0.1:6379@16379,host.example myself,master - 0 1700000000000 3 connected 0-5460 7000 [12->-${b}] [13-<-${b}]\n${b} :0@0,,shard-id=x slave,noaddr ${a} 1 2 3 disconnected\n`,
    );
    expect(view).toMatchObject([
      {
        id: a,
        address: '10.0.0.1:6379',
        hostname: 'host.example',
        flags: ['myself', 'master'],
        primary: null,
        configEpoch: 3,
        linked: true,
        slots: [
          [0, 5460],
          [7000, 7000],
        ],
        open: [
          { slot: 12, direction: 'migrating', peer: b },
          { slot: 13, direction: 'importing', peer: b },
        ],
      },
      { id: b, primary: a, linked: false, pingSentAt: 1, slots: [] },
    ]);
  });
});

describe('parseReplicationInfo', () => {
  it('reads a primary and what it lists, with the extra fields of later engines', () => {
    const listed =
      'slave0:ip=10.0.0.4,port=6379,state=online,offset=98,lag=1\r\nslave1:ip=10.0.0.5,port=6379,state=wait_bgsave,offset=0,lag=0,type=replica';
    expect(
      parseReplicationInfo(info(`role:master\r\nconnected_slaves:2\r\n${listed}\r\nmaster_replid:68e3\r\nmaster_repl_offset:112`)),
    ).toEqual({
      runId: '4f169ea9',
      role: 'primary',
      replid: '68e3',
      offset: 112,
      syncFull: 1,
      syncPartialOk: 2,
      syncPartialErr: 3,
      backlogSizeBytes: 1_048_576,
      replicas: [
        { address: '10.0.0.4:6379', state: 'online', offset: 98, lagSeconds: 1 },
        { address: '10.0.0.5:6379', state: 'wait_bgsave', offset: 0, lagSeconds: 0 },
      ],
    });
  });
  it("reads a replica by its own offset, not its primary's", () => {
    const text =
      'role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\nslave_repl_offset:84\r\nmaster_replid:68e3\r\nmaster_repl_offset:112';
    expect(parseReplicationInfo(info(text))).toMatchObject({
      role: 'replica',
      offset: 84,
      link: 'down',
      syncInProgress: true,
      primaryAddress: '10.0.0.1:6379',
      replicas: [],
    });
  });
  it('refuses what is cut off or no number', () => {
    for (const text of [
      'role:master',
      'role:master\r\nmaster_repl_offset:',
      'role:slave\r\nslave_repl_offset:1',
      'role:master\r\nmaster_repl_offset:1\r\nslave0:ip=10.0.0.4',
    ]) {
      expect(() => parseReplicationInfo(info(text))).toThrow(ParseError);
    }
  });
});

describe('parseClusterInfo', () => {
  it.each([
    ['Redis 6.2', 'cluster_enabled:1\r\ncluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_current_epoch:6\r\n'],
    [
      'Redis 7.0',
      'cluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_current_epoch:6\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n',
    ],
    [
      'Valkey 9.1',
      'cluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_nodes_pfail:0\r\ncluster_voting_nodes_fail:0\r\ncluster_current_epoch:6\r\n',
    ],
  ])('reads the state and every counter of %s', (_, text) => {
    expect(parseClusterInfo(text)).toMatchObject({ state: 'ok', counters: { cluster_slots_ok: 16_384, cluster_current_epoch: 6 } });
  });
  it('refuses an answer without a state', () => expect(() => parseClusterInfo('cluster_slots_ok:1\r\n')).toThrow(ParseError));
});

describe('parseClusterLinks', () => {
  const flat = (direction: string): unknown[] => [
    'direction',
    direction,
    'node',
    a,
    'create-time',
    1,
    'events',
    'rw',
    'send-buffer-allocated',
    0,
    'send-buffer-used',
    0,
  ];
  it('reads flat lists and maps', () => {
    const map = new Map<unknown, unknown>([
      ['direction', 'from'],
      ['node', a],
    ]);
    expect(parseClusterLinks([flat('to'), map])).toEqual([
      { direction: 'to', node: a },
      { direction: 'from', node: a },
    ]);
  });
  it('takes no value for a name, and no missing name for a value', () => {
    expect(parseClusterLinks([['events', 'node', ...flat('to')]])).toEqual([{ direction: 'to', node: a }]);
    for (const reply of [null, [7], [['direction', 'to']], [['direction', 'sideways', 'node', a]]])
      expect(() => parseClusterLinks(reply)).toThrow(ParseError);
  });
});

describe('the parsers', () => {
  const nodes = `${a} 10.0.0.1:6379@16379,host.example myself,master - 0 1700000000000 3 connected 0-5460 7000 [12->-${b}] [13-<-${b}]
${b} 10.0.0.2:6379@16379,,shard-id=x slave,fail? ${a} 1 2 3 disconnected
`;
  const isSlot = (slot: number): boolean => Number.isInteger(slot) && slot >= 0 && slot <= 16_383;
  const soundNodes = (text: string): boolean =>
    parseClusterNodes(text).every(
      ({ id, address, busPort, pingSentAt, pongReceivedAt, configEpoch, slots, open }) =>
        /^[0-9a-f]{40}$/.test(id) &&
        /:\d+$/.test(address) &&
        [busPort, pingSentAt, pongReceivedAt, configEpoch].every(Number.isFinite) &&
        slots.every(([first, last]) => isSlot(first) && isSlot(last) && first <= last) &&
        open.every(({ slot }) => isSlot(slot)),
    );
  const soundInfo = (text: string): boolean => {
    const { state, counters } = parseClusterInfo(text);
    return ['ok', 'fail'].includes(state) && Object.values(counters).every(Number.isFinite);
  };
  const soundReplication = (text: string): boolean => {
    const { offset, syncFull, syncPartialOk, syncPartialErr, replicas, primaryAddress, role } = parseReplicationInfo(text);
    return (
      [offset, syncFull, syncPartialOk, syncPartialErr, ...replicas.flatMap((one) => [one.offset, one.lagSeconds])].every(
        Number.isFinite,
      ) &&
      [...replicas.map(({ address }) => address), ...(role === 'replica' ? [primaryAddress] : [])].every((address) =>
        /:-?\d+$/.test(address ?? ''),
      )
    );
  };
  it.each([
    ['parseClusterNodes', nodes, soundNodes],
    ['parseClusterInfo', 'cluster_state:ok\r\ncluster_slots_ok:16384\r\ncluster_current_epoch:6\r\n', soundInfo],
    [
      'parseReplicationInfo, of a primary',
      info('role:master\r\nmaster_repl_offset:9\r\nslave0:ip=10.0.0.4,port=6379,state=online,offset=8,lag=1'),
      soundReplication,
    ],
    [
      'parseReplicationInfo, of a replica',
      info('role:slave\r\nslave_repl_offset:1\r\nmaster_link_status:up\r\nmaster_host:10.0.0.1\r\nmaster_port:6379'),
      soundReplication,
    ],
  ])('give an answer that is sound, or a ParseError, whatever has become of the text: %s', (_, text, sound) => {
    expect(sound(text)).toBe(true);
    const pieces = ['99999', '-1', 'x', ' ', '\n', '\r\n', ':', '-', '[', ',', '=', 'master', 'connected'];
    fc.assert(
      fc.property(damaged(text, pieces), (broken) => {
        const outcome = attempt(() => sound(broken));
        expect(outcome instanceof ParseError || outcome).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
  it('give an answer that is sound, or a ParseError, whatever has become of the reply: parseClusterLinks', () => {
    const whole = ['direction', 'to', 'node', a, 'create-time', 1, 'events', 'rw'];
    const word = fc.oneof(fc.constantFrom<unknown>(...whole, 'from'), fc.anything());
    const link = fc.oneof(
      fc.array(word, { maxLength: 10 }),
      fc.tuple(fc.nat(whole.length), word).map(([at, other]) => whole.with(Math.min(at, 7), other as string)),
      fc.anything(),
    );
    fc.assert(
      fc.property(fc.oneof(fc.array(link), fc.anything()), (reply) => {
        const outcome = attempt(() =>
          parseClusterLinks(reply).every(({ direction, node }) => ['to', 'from'].includes(direction) && typeof node === 'string'),
        );
        expect(outcome instanceof ParseError || outcome).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('keySlot', () => {
  it('hashes the tag alone', () => {
    expect(keySlot('foo')).toBe(12182);
    expect(keySlot('{foo}bar')).toBe(12182);
  });
});

describe('slots and their numbers of keys', () => {
  it('come in turn', () =>
    expect(parseSlotKeys([5, 1, 16_383, 20])).toEqual([
      [5, 1],
      [16_383, 20],
    ]));
  it('are refused where one is missing or something else was said', () => {
    for (const reply of [[5], ['5', '1'], 'OK']) expect(() => parseSlotKeys(reply)).toThrow(ParseError);
  });
});

describe('a hash tag', () => {
  it('falls into the slots, and puts keys there', () => {
    for (const slots of [
      [[0, 0]],
      [
        [5_000, 5_460],
        [9, 9],
      ],
    ] as const) {
      const slot = keySlot(`anything{${hashTagIn(slots)}}`);
      expect(slots.some(([first, last]) => first <= slot && slot <= last)).toBe(true);
    }
  });
});
