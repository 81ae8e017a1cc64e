/**
 * What a node said of itself and the others, as the probes record it. Parsers in `cluster/` produce these shapes,
 * invariants read them; times are milliseconds, offsets bytes.
 */

/** An answer that says what the one before said is recorded this often, and not in between. */
export const heartbeatMs = 1_000;

/** One line of CLUSTER NODES. */
export interface NodeView {
  readonly id: string;
  /** 'ip:port' as announced; empty host for a node without an address. */
  readonly address: string;
  readonly busPort: number;
  readonly hostname?: string;
  /** The comma-joined flags: myself, master, slave, fail?, fail, handshake, noaddr, nofailover, noflags. */
  readonly flags: readonly string[];
  /** Id of the primary this node replicates, or null. */
  readonly primary: string | null;
  /** When the oldest unanswered ping was sent, in epoch ms of the engine's clock; 0 when none is pending. */
  readonly pingSentAt: number;
  readonly pongReceivedAt: number;
  readonly configEpoch: number;
  readonly linked: boolean;
  /** Owned slot ranges, both ends included. */
  readonly slots: readonly (readonly [first: number, last: number])[];
  /** Open slots, listed on the `myself` line only. */
  readonly open: readonly { readonly slot: number; readonly direction: 'migrating' | 'importing'; readonly peer: string }[];
}

/** CLUSTER NODES of one node: its view of everybody, itself included. */
export type TopologyView = readonly NodeView[];

/** CLUSTER INFO: state, and every numeric field by its own name (cluster_slots_ok, cluster_current_epoch, …). */
export interface ClusterInfo {
  readonly state: 'ok' | 'fail';
  readonly counters: Readonly<Record<string, number>>;
}

/** INFO replication and stats, the fields that invariants need. */
export interface ReplicationInfo {
  /** Changes with every start of the process; counters start again from zero with it. */
  readonly runId: string;
  readonly role: 'primary' | 'replica';
  readonly replid: string;
  /** master_repl_offset of a primary, slave_repl_offset of a replica. */
  readonly offset: number;
  readonly link?: 'up' | 'down';
  readonly syncInProgress?: boolean;
  /** 'host:port' that a replica replicates from. */
  readonly primaryAddress?: string;
  /** What a primary lists of its replicas. */
  readonly replicas: readonly { readonly address: string; readonly state: string; readonly offset: number; readonly lagSeconds: number }[];
  readonly syncFull: number;
  readonly syncPartialOk: number;
  readonly syncPartialErr: number;
  /** repl-backlog-size as it is now; records of earlier versions lack it. */
  readonly backlogSizeBytes?: number;
}

/** INFO memory, the fields that invariants need; null where the engine does not tell one. */
export interface MemoryInfo {
  readonly usedBytes: number;
  readonly rssBytes: number;
  /** RSS beside what is used, as the engine computes it; meaningless for a few MB. */
  readonly fragmentation: number;
  /** As the allocator sees it: what active defragmentation can give back. */
  readonly allocatorFragmentation: number | null;
  /** maxmemory; 0 is no limit. */
  readonly limitBytes: number;
  /** Output buffers of all replicas. */
  readonly replicaBuffersBytes: number | null;
  readonly backlogBytes: number | null;
  /** Of the links of the bus (from 7.0 on). */
  readonly linkBytes: number | null;
  readonly evictedKeys: number;
  readonly expiredKeys: number;
}

/** INFO persistence. */
export interface PersistenceInfo {
  /** The data set is being read; asynchronous loading answers reads meanwhile. */
  readonly loading: boolean;
  readonly snapshotUnderWay: boolean;
  readonly snapshotOk: boolean;
  readonly aofEnabled: boolean;
  readonly aofOk: boolean;
  readonly changesSinceSave: number;
  readonly lastForkMicros: number;
}

/** Everything that can be observed, by the name of its probe. */
export interface Observations {
  readonly ping: { readonly roundTripMs: number };
  readonly 'cluster-info': ClusterInfo;
  readonly topology: TopologyView;
  readonly replication: ReplicationInfo;
  /** CLUSTER LINKS (engines from 7.0 on): one entry a link. */
  readonly links: readonly { readonly direction: 'to' | 'from'; readonly node: string }[];
  readonly memory: MemoryInfo;
  readonly persistence: PersistenceInfo;
  /** Keys in the node's data set (DBSIZE), at rest. */
  readonly keys: { readonly count: number };
  /** How many keys of each slot are in the node's data set, where there are any; served or not. */
  readonly 'slot-keys': { readonly counts: readonly (readonly [slot: number, keys: number])[] };
}
export type ProbeName = keyof Observations;
