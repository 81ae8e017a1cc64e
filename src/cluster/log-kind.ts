import type { LogKind } from '../timeline.ts';

/**
 * What engine log lines mean, for every version from Redis 6.0 and Valkey 7.2 on: both vocabularies
 * (master/primary, slave/replica) and the human node names that 7.2 put behind ids. The first match counts.
 */
const patterns: readonly (readonly [LogKind, RegExp])[] = [
  ['fail', /Marking node \S+ (\(.*?\) )?as failing|FAIL message received from/],
  ['pfail', /NODE \S+ (\(.*?\) )?possibly failing/i],
  ['fail-cleared', /Clear FAIL state for node/],
  ['election-started', /Starting a failover election for epoch/],
  ['election-won', /Failover election won/],
  ['vote-granted', /Failover auth granted to/],
  ['vote-denied', /Failover auth denied to/],
  // Waiting for its delay is what every election begins with.
  ['cannot-failover', /Currently unable to failover: (?!Waiting the delay)|Manual failover timed out/],
  ['full-resync', /Full resync from (master|primary): |PSYNC is not possible, initialize RDB channel/],
  ['partial-resync', /Successful partial resynchronization with (master|primary)/],
  ['partial-refused', /Unable to partial resync with replica .* for lack of backlog|Partial resynchronization not accepted/],
  ['output-buffer-overrun', /Client .* (scheduled to be closed ASAP|closed) for overcoming of output buffer limits\.$/],
  [
    'link-timed-out',
    /(MASTER|PRIMARY) timeout: no data nor PING received|Timeout receiving bulk data from (MASTER|PRIMARY)|Timeout connecting to the (MASTER|PRIMARY)/,
  ],
  [
    'data-refused',
    /Can't handle RDB format version|Short read or OOM loading DB|Failed trying to load the (MASTER|PRIMARY) synchronization DB/i,
  ],
  ['link-lost', /Connection with (master|primary|replica .*?) lost\./],
  ['sync-finished', /(MASTER|PRIMARY) <-> (REPLICA|SLAVE) sync: Finished with success/],
  ['state-changed', /Cluster state changed: (ok|fail)/],
  ['role-changed', /Configuration change detected\. Reconfiguring myself as a replica|Setting myself to (slave|replica)/],
  // Between nodes; on the bus at level verbose only. What clients are refused is theirs.
  [
    'certificate-refused',
    /(Connection with Node \S+ (\(.*?\) )?at \S+ failed|Error accepting cluster node connection|Error condition on socket for SYNC): .*(certificate|unknown ca)/i,
  ],
  ['login-refused', /Unable to AUTH to (MASTER|PRIMARY)|(PSYNC from|aborted replication with an error:?) .*-?(NOAUTH|WRONGPASS|NOPERM)/i],
  ['started', /Ready to accept connections/],
  ['crashed', /crashed by signal|ASSERTION FAILED|Guru Meditation|Unrecoverable error|Fatal: can't update cluster config/],
];

/** The meaning of a line, or null for one that no check asks about. */
export function logKind(text: string): LogKind | null {
  return patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}
