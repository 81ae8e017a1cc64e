import type { Host, Hosts, Login, Place } from './driver.ts';
import type { EngineInfo } from './timeline.ts';
import type { Way } from './traffic.ts';

/** Directives of redis.conf by name, such as { 'cluster-node-timeout': '2000' }; a list is one line for each. */
export type RedisConfig = Readonly<Record<string, string | number | readonly string[]>>;

export interface ClusterSpec {
  /** Default 3. */
  readonly primaries?: number;
  /** Replicas of each primary, or how many each of them has, in order. Default 1. */
  readonly replicas?: number | readonly number[];
  readonly config?: RedisConfig;
  /** What single nodes have beside or instead, by their names. */
  readonly nodes?: Readonly<Record<string, RedisConfig>>;
  /** Memory that each engine's container may use. Default 256. */
  readonly memoryMb?: number;
  /** Size of each node's data volume, which is in memory. Default 64. */
  readonly diskMb?: number;
  /** Empty cluster nodes that belong to nobody until something adds them. Default 0. */
  readonly spares?: number;
  /** Hosts that clients can stand at, client-1 and so on, so that a partition parts clients as well. At most 20. Default 0. */
  readonly places?: number;
  /** Everything over TLS: clients, replication and the bus. Default false. */
  readonly tls?: boolean;
  /** As whom all that is ours logs in; `config` must have such a `user`. Default: by `requirepass`, where that is set. */
  readonly login?: Login;
  /**
   * The names of the nodes, which the resolver of nodes and places knows, instead of addresses. 'announced': what clients
   * are told (from Redis 7.0 on). 'as-address': what peers are told too, in cluster-announce-ip. Default neither.
   */
  readonly hostnames?: 'announced' | 'as-address';
  /** 'written': nodes.conf before the start (default). 'meet': CLUSTER MEET, for experiments about joining. */
  readonly formation?: 'written' | 'meet';
}

/** How many nodes and of what size a spec asks for, with what it leaves out filled in. */
export function sizesOf({ primaries = 3, replicas = 1, spares = 0, places = 0, memoryMb = 256, diskMb = 64 }: ClusterSpec): {
  readonly primaries: number;
  /** Of each primary, in order. */
  readonly replicas: readonly number[];
  /** Primaries and replicas. */
  readonly count: number;
  readonly spares: number;
  readonly places: number;
  readonly memoryMb: number;
  readonly diskMb: number;
} {
  const each = typeof replicas === 'number' ? Array.from({ length: primaries }, () => replicas) : replicas;
  return { primaries, replicas: each, count: primaries + each.reduce((sum, own) => sum + own, 0), spares, places, memoryMb, diskMb };
}

/** A member of the cluster as it was formed. Its role now is in the topology, not here. */
export interface Node extends Host {
  readonly id: string;
  readonly formedAs: 'primary' | 'replica';
  /** Slots it was given; empty for a replica. */
  readonly slots: readonly (readonly [first: number, last: number])[];
  /** Name of the primary it was formed to replicate. */
  readonly primary: string | null;
}

export interface Cluster {
  readonly engine: EngineInfo;
  readonly nodes: readonly Node[];
  /** Engines that run and are no members, spare-1 and so on: nobody probes, loads or judges them. */
  readonly spares?: readonly Host[];
  /** Where clients can stand: they run no engine, and nobody probes, loads or judges them. */
  readonly places: readonly Place[];
  /** Every directive that was set, defaults of Slotquake included; those of single nodes are not among them. */
  readonly settings: Readonly<Record<string, string>>;
  /** The node timeouts, in ms, that these nodes are still to be given, by their names: see cluster/patience.ts. */
  readonly patience: ReadonlyMap<string, string>;
  readonly hosts: Hosts;
  /** How packets are delayed and lost here: by the kernel where it can, else by a queue and a program. */
  readonly shapes: Way;
}

export function nodeNamed(cluster: Cluster, name: string): Node {
  const node = cluster.nodes.find((candidate) => candidate.name === name);
  if (!node) throw new Error(`no node is called ${name}`);
  return node;
}
