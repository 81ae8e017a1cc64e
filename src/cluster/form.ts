import { createHash } from 'node:crypto';
import { UsageError } from '../base/errors.ts';
import { type Cluster, type ClusterSpec, type Node, type RedisConfig, sizesOf } from '../cluster.ts';
import { type Driver, type Host, type Hosts, ipOf, type Login, namesOf, type Reach } from '../driver.ts';
import type { EngineInfo } from '../timeline.ts';
import { wayOf } from '../traffic.ts';
import { certificateFile, certificateFiles, makeCertificates } from './certificates.ts';
import { ownTimeout, patiently } from './patience.ts';

const slotCount = 16_384;

/**
 * What every cluster of ours gets unless the experiment says otherwise. Nothing is persisted but nodes.conf, and full
 * resyncs start at once instead of after `repl-diskless-sync-delay` 5 s, so that a run is short.
 */
const defaults: RedisConfig = {
  'cluster-enabled': 'yes',
  'cluster-config-file': 'nodes.conf',
  'cluster-node-timeout': 2_000,
  'repl-diskless-sync-delay': 0,
  appendonly: 'no',
  save: '',
  port: 6379,
  'protected-mode': 'no',
};

/** What a cluster with TLS gets beside. The bus logs refused certificates at this level only. */
const overTls: RedisConfig = {
  port: 0,
  'tls-port': 6379,
  'tls-cluster': 'yes',
  'tls-replication': 'yes',
  'tls-ca-cert-file': certificateFile('authority'),
  'tls-cert-file': certificateFile('good'),
  'tls-key-file': certificateFile('key'),
  loglevel: 'verbose',
};

/** What the nodes of such a cluster have, as long as a variant says nothing else. */
export const sceneOf = ({ tls, hostnames, config }: ClusterSpec): RedisConfig => ({
  ...defaults,
  ...(tls ? overTls : {}),
  ...(hostnames === 'announced' ? { 'cluster-preferred-endpoint-type': 'hostname' } : {}),
  ...config,
});

export interface FormOptions {
  readonly runId: string;
  readonly image: string;
  readonly toolboxImage: string;
  readonly reach: Reach | 'auto';
  readonly kept: boolean;
  readonly subnet?: string | undefined;
  readonly memoryMb?: number | undefined;
  readonly config?: RedisConfig | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called as soon as containers exist, before the engines start: whoever cleans up must know. */
  readonly onHosts?: (hosts: Hosts) => void;
}

/**
 * Brings up the containers and starts the engines as one cluster. Its nodes are not in agreement yet: see settle.ts. Once they
 * are, whoever asked for it ends their patience.
 */
export async function formCluster(driver: Driver, spec: ClusterSpec, options: FormOptions): Promise<Cluster> {
  const { primaries, replicas, count, spares, places, memoryMb, diskMb } = sizesOf(spec);
  if (!Number.isInteger(count + spares) || primaries < 1 || replicas.some((each) => each < 0) || spares < 0 || count + spares > 100) {
    throw new UsageError(
      `expected at least 1 primary, at least 0 replicas each and at most 100 nodes, got ${primaries} primaries with ${replicas.join(', ')} replicas and ${spares} spares`,
    );
  }
  if (replicas.length !== primaries)
    throw new UsageError(`expected a number of replicas for each of the ${primaries} primaries, got ${replicas.length} numbers`);
  if (!Number.isInteger(places) || places < 0 || places > 20)
    throw new UsageError(`expected places as a whole number from 0 to 20, got ${places}`);
  const engine = await driver.identify(options.image, options.runId);
  const hosts = await driver.provision(
    {
      runId: options.runId,
      count,
      spares,
      places,
      image: options.image,
      toolboxImage: options.toolboxImage,
      reach: options.reach,
      memoryMb: options.memoryMb ?? memoryMb,
      diskMb,
      kept: options.kept,
      ...(options.subnet === undefined ? {} : { subnet: options.subnet }),
    },
    options.signal,
  );
  options.onHosts?.(hosts);
  const strange = Object.keys(spec.nodes ?? {}).find((name) => !hosts.hosts.some((host) => host.name === name));
  if (strange !== undefined)
    throw new UsageError(`settings were given for ${strange}, but the nodes are ${hosts.hosts.map(({ name }) => name).join(', ')}`);
  if (spec.hostnames === 'announced' && !knowsHostnames(engine))
    throw new UsageError(`${engine.kind} ${engine.version} announces no host names; use 7.0 or later, or hostnames: 'as-address'`);
  const settings = texts({ ...sceneOf(spec), ...options.config });
  const settingsOf = (host: Host): Record<string, string> => ({ ...settings, ...texts(spec.nodes?.[host.name]) });
  const byName = spec.hostnames === 'as-address' || settings['cluster-preferred-endpoint-type'] === 'hostname';
  const names = hosts.hosts.map(({ name }) => name);
  const certificates = spec.tls ? await makeCertificates(hosts.hosts.map(ipOf), names) : null;
  const tls = certificates && { tls: { ca: certificates.authority, cert: certificates.good, key: certificates.key } };
  const reached = hosts.hosts.map((host): Host => {
    const login = spec.login ?? loginBy(settingsOf(host).requirepass);
    return { ...host, dial: { ...host.dial, ...tls, ...(login ? { login } : {}), ...(byName ? { byName } : {}) } };
  });
  const nodes = layOut(reached.slice(0, count), options.runId, replicas);
  const written = spec.formation !== 'meet';
  options.signal?.throwIfAborted();
  const binary = engine.kind === 'valkey' ? 'valkey-server' : 'redis-server';
  const patience = new Map(
    (written ? nodes : []).flatMap((node) => {
      const own = ownTimeout(settingsOf(node));
      return own === null ? [] : [[node.name, own] as const];
    }),
  );
  const argv = [binary, '/data/redis.conf'];
  const shapes = wayOf(hosts);
  shapes.catch(() => {});
  await hosts.start(({ name }) => {
    const host = reached.find((each) => each.name === name) as Host;
    const node = written && nodes.find((each) => each.name === name);
    const start = patience.has(name) ? patiently(argv) : { argv, files: {} };
    return {
      argv: start.argv,
      files: {
        ...start.files,
        'redis.conf': redisConf({ ...announced(host, spec.hostnames), ...settingsOf(host) }, host.dial.login),
        ...(node ? { 'nodes.conf': nodesConf(nodes, node, engine, spec.hostnames) } : {}),
        ...(certificates ? certificateFiles(certificates) : {}),
      },
    };
  }, options.signal);
  const cluster: Cluster = {
    engine,
    nodes,
    spares: reached.slice(count),
    places: hosts.places,
    settings,
    patience,
    hosts,
    shapes: await shapes,
  };
  // Loaded where it is needed only, with the client library: most clusters have containers to start meanwhile.
  return written ? cluster : (await import('./meet.ts')).meet(cluster, options.signal);
}

/** The login where a password is all that is asked for; a value of redis.conf may stand in quotes. */
const loginBy = (requirepass = ''): Login | undefined => {
  const password = requirepass.replace(/^"(.*)"$/, '$1');
  return password === '' ? undefined : { password };
};

const knowsHostnames = ({ kind, version }: EngineInfo): boolean => kind === 'valkey' || Number(version.split('.')[0]) >= 7;

/** What a node says of where it is. */
const announced = (host: Host, hostnames: ClusterSpec['hostnames']): Record<string, string> => ({
  'cluster-announce-ip': hostnames === 'as-address' ? host.name : ipOf(host),
  ...(hostnames === 'announced' ? { 'cluster-announce-hostname': host.name } : {}),
});

const texts = (config: RedisConfig = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [name, Array.isArray(value) ? value.join('\n') : String(value)]));

/**
 * Names, ids, roles and slots: the first hosts share the slots evenly, one for each number in `replicas`; the others
 * replicate them in turn, until each has that many.
 */
export function layOut(hosts: readonly Host[], runId: string, replicas: readonly number[]): Node[] {
  const primaries = replicas.length;
  const shards = replicas.map((_, shard) => shard);
  const inTurn = [
    ...shards,
    ...Array.from({ length: Math.max(...replicas) }, (_, turn) => shards.filter((shard) => (replicas[shard] ?? 0) > turn)).flat(),
  ];
  return hosts.map((host, index): Node => {
    const shard = inTurn[index] as number;
    const first = Math.round((shard * slotCount) / primaries);
    const last = Math.round(((shard + 1) * slotCount) / primaries) - 1;
    const primary = index < primaries ? null : (hosts[shard]?.name ?? null);
    const id = createHash('sha1').update(`${runId}/${host.name}`).digest('hex');
    return { ...host, id, formedAs: primary === null ? 'primary' : 'replica', primary, slots: primary === null ? [[first, last]] : [] };
  });
}

/**
 * The file that a node would have saved, had it been in this cluster all along (cluster.c clusterLoadConfig). It spares
 * the MEET gossip. Shard ids are written for the engines that keep them (Redis from 7.2, every Valkey): left out, each
 * node would invent one and correct it only later.
 */
export function nodesConf(nodes: readonly Node[], self: Node, engine: EngineInfo, hostnames?: ClusterSpec['hostnames']): string {
  const [major = 0, minor = 0] = engine.version.split('.').map(Number);
  const hasShardIds = engine.kind === 'valkey' || major > 7 || (major === 7 && minor >= 2);
  const primaryOf = (node: Node): Node | undefined => nodes.find(({ name }) => name === node.primary);
  const lines = nodes.map((node) => {
    const primary = primaryOf(node);
    const hostname = hostnames === 'announced' ? node.name : '';
    const shard = hasShardIds
      ? `,${hostname},shard-id=${createHash('sha1')
          .update(`shard of ${(primary ?? node).id}`)
          .digest('hex')}`
      : hostname && `,${hostname}`;
    const address = hostnames === 'as-address' ? namesOf(node)[1] : node.address;
    const flags = `${node.name === self.name ? 'myself,' : ''}${primary ? 'slave' : 'master'}`;
    const epoch = 1 + nodes.indexOf(primary ?? node);
    const slots = node.slots.map(([first, last]) => ` ${first === last ? first : `${first}-${last}`}`).join('');
    return `${node.id} ${address}@16379${shard} ${flags} ${primary?.id ?? '-'} 0 0 ${epoch} connected${slots}`;
  });
  return `${lines.join('\n')}\nvars currentEpoch ${nodes.length} lastVoteEpoch 0\n`;
}

/** As whom we log in stands in a comment, for shells and whoever adopts the cluster; see driver/container/shell.ts. */
function redisConf(settings: Readonly<Record<string, string>>, login?: Login): string {
  const words = login ? [login.password, ...(login.username === undefined ? [] : [login.username])] : [];
  const comment = login ? `# slotquake-login ${words.join(' ')}\n` : '';
  return `${comment}${Object.entries(settings)
    .flatMap(([name, values]) => values.split('\n').map((value) => `${name} ${value === '' ? '""' : value}`))
    .join('\n')}\n`;
}
