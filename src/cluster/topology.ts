import calculateSlot from 'cluster-key-slot';
import type {
  ClusterInfo,
  MemoryInfo,
  NodeView,
  Observations,
  PersistenceInfo,
  ReplicationInfo,
  TopologyView,
} from '../timeline/observation.ts';

/** An answer of the engine that is not what its command answers. */
export class ParseError extends Error {
  constructor(expected: string, got: unknown) {
    super(`expected ${expected}, got ${typeof got === 'string' ? JSON.stringify(got.slice(0, 80)) : typeof got}`);
    this.name = 'ParseError';
  }
}

/** The hash slot of a key, hash tags honoured (cluster.c keyHashSlot). */
export const keySlot = (key: string): number => calculateSlot(key);

/** CLUSTER NODES of any version: aux fields behind the bus port are allowed, the host name among them is kept. */
export function parseClusterNodes(text: string): TopologyView {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  // Every node knows at least itself, so an empty answer is not an empty cluster.
  if (lines.length === 0) throw new ParseError('CLUSTER NODES', text);
  return lines.map(parseNodeLine);
}

function parseNodeLine(line: string): NodeView {
  const [id = '', place = '', flags = '', primary = '', pingSent = '', pongReceived = '', epoch = '', link = '', ...slots] = line
    .trim()
    .split(' ');
  const parts = /^(.*):(\d+)(?:@(\d+))?(?:,([^,]*))?(?:,.*)?$/.exec(place);
  const numbers = [pingSent, pongReceived, epoch].map(Number);
  if (!/^[0-9a-f]{40}$/.test(id) || !parts || !/^(connected|disconnected)$/.test(link) || !numbers.every(Number.isFinite))
    throw new ParseError('a line of CLUSTER NODES', line);
  const [, host = '', port = '', busPort, hostname] = parts;
  return {
    id,
    address: `${host}:${port}`,
    busPort: Number(busPort ?? Number(port) + 10_000),
    ...(hostname ? { hostname } : {}),
    flags: flags.split(','),
    primary: primary === '-' ? null : primary,
    pingSentAt: numbers[0] as number,
    pongReceivedAt: numbers[1] as number,
    configEpoch: numbers[2] as number,
    linked: link === 'connected',
    slots: slots.filter((slot) => !slot.startsWith('[')).map(parseRange),
    open: slots.filter((slot) => slot.startsWith('[')).map(parseOpenSlot),
  };
}

function parseRange(text: string): [number, number] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (first === undefined || Number(last) > 16_383 || Number(first) > Number(last)) throw new ParseError('a slot range', text);
  return [Number(first), Number(last)];
}

function parseOpenSlot(text: string): NodeView['open'][number] {
  const [, slot, direction, peer] = /^\[(\d+)-(<|>)-([0-9a-f]+)\]$/.exec(text) ?? [];
  if (slot === undefined || peer === undefined || Number(slot) > 16_383) throw new ParseError('an open slot', text);
  return { slot: Number(slot), direction: direction === '>' ? 'migrating' : 'importing', peer };
}

/** The `name:value` lines of INFO and CLUSTER INFO. */
function fields(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^([^:\r\n#]+):(.*?)\r?$/gm)].map(([, name, value]) => [name as string, value as string]));
}

export function parseClusterInfo(text: string): ClusterInfo {
  const all = fields(text);
  const state = all.get('cluster_state');
  if (state !== 'ok' && state !== 'fail') throw new ParseError('CLUSTER INFO', text);
  const counters = Object.fromEntries([...all].filter(([, value]) => /^\d+$/.test(value)).map(([name, value]) => [name, Number(value)]));
  return { state, counters };
}

/** The sections server, replication and stats of INFO, one after the other. */
export function parseReplicationInfo(text: string): ReplicationInfo {
  const all = fields(text);
  const string = (name: string, from: ReadonlyMap<string, string> = all): string => {
    const value = from.get(name);
    if (value === undefined) throw new ParseError(`${name} in INFO`, text);
    return value;
  };
  const number = (name: string, from: ReadonlyMap<string, string> = all): number => {
    const value = string(name, from);
    if (!/^-?\d+$/.test(value)) throw new ParseError(`a number as ${name} in INFO`, value);
    return Number(value);
  };
  const role = all.get('role');
  const runId = all.get('run_id');
  if ((role !== 'master' && role !== 'slave') || runId === undefined) throw new ParseError('INFO server and replication', text);
  const replicas = [...all]
    .filter(([name]) => /^slave\d+$/.test(name))
    .map(([, value]) => {
      const parts = new Map(value.split(',').map((part) => part.split('=') as [string, string]));
      return {
        address: `${string('ip', parts)}:${number('port', parts)}`,
        state: string('state', parts),
        offset: number('offset', parts),
        lagSeconds: number('lag', parts),
      };
    });
  return {
    runId,
    role: role === 'master' ? 'primary' : 'replica',
    replid: all.get('master_replid') ?? '',
    offset: number(role === 'master' ? 'master_repl_offset' : 'slave_repl_offset'),
    ...(role === 'slave'
      ? {
          link: all.get('master_link_status') === 'up' ? ('up' as const) : ('down' as const),
          syncInProgress: all.get('master_sync_in_progress') === '1',
          primaryAddress: `${string('master_host')}:${number('master_port')}`,
        }
      : {}),
    replicas,
    syncFull: number('sync_full'),
    syncPartialOk: number('sync_partial_ok'),
    syncPartialErr: number('sync_partial_err'),
    backlogSizeBytes: number('repl_backlog_size'),
  };
}

/** A number among the fields of INFO, or null where the engine does not tell it. */
function optional(all: ReadonlyMap<string, string>, name: string): number | null {
  const value = all.get(name);
  return value === undefined || value.trim() === '' || !Number.isFinite(Number(value)) ? null : Number(value);
}

function required(all: ReadonlyMap<string, string>, name: string): number {
  const value = optional(all, name);
  if (value === null) throw new ParseError(`a number as ${name} in INFO`, all.get(name) ?? '');
  return value;
}

/** The sections memory and stats of INFO. */
export function parseMemoryInfo(text: string): MemoryInfo {
  const all = fields(text);
  return {
    usedBytes: required(all, 'used_memory'),
    rssBytes: required(all, 'used_memory_rss'),
    fragmentation: required(all, 'mem_fragmentation_ratio'),
    allocatorFragmentation: optional(all, 'allocator_frag_ratio'),
    limitBytes: required(all, 'maxmemory'),
    replicaBuffersBytes: optional(all, 'mem_clients_slaves'),
    backlogBytes: optional(all, 'mem_replication_backlog'),
    linkBytes: optional(all, 'mem_cluster_links'),
    evictedKeys: required(all, 'evicted_keys'),
    expiredKeys: required(all, 'expired_keys'),
  };
}

/** The sections persistence and stats of INFO. */
export function parsePersistenceInfo(text: string): PersistenceInfo {
  const all = fields(text);
  return {
    loading: required(all, 'loading') === 1,
    snapshotUnderWay: required(all, 'rdb_bgsave_in_progress') === 1,
    snapshotOk: all.get('rdb_last_bgsave_status') === 'ok',
    aofEnabled: required(all, 'aof_enabled') === 1,
    aofOk: all.get('aof_last_write_status') === 'ok',
    changesSinceSave: required(all, 'rdb_changes_since_last_save'),
    lastForkMicros: required(all, 'latest_fork_usec'),
  };
}

/** CLUSTER LINKS: each link a flat list of names and values (RESP2), or a map of them (RESP3). */
export function parseClusterLinks(reply: unknown): Observations['links'] {
  if (!Array.isArray(reply)) throw new ParseError('the list of CLUSTER LINKS', reply);
  return reply.map((link: unknown) => {
    const value = (name: string): unknown => {
      if (link instanceof Map) return link.get(name);
      if (!Array.isArray(link)) return undefined;
      // Names stand at even places; a value that looks like a name is none.
      return link[link.findIndex((item, index) => index % 2 === 0 && item === name) + 1 || link.length];
    };
    const [direction, node] = [value('direction'), value('node')];
    if ((direction !== 'to' && direction !== 'from') || typeof node !== 'string') throw new ParseError('a link of CLUSTER LINKS', link);
    return { direction, node };
  });
}

/** Slots and how many keys they have, in turn. */
export function parseSlotKeys(reply: unknown): Observations['slot-keys']['counts'] {
  if (!Array.isArray(reply) || reply.length % 2 !== 0 || !reply.every((item) => Number.isInteger(item)))
    throw new ParseError('slots and their numbers of keys', reply);
  return Array.from({ length: reply.length / 2 }, (_, index) => [reply[2 * index] as number, reply[2 * index + 1] as number] as const);
}
