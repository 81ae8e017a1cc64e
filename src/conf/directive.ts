/*
 * What is known of directives beyond what the engine itself tells: which names mean the same, what a value measures and so how
 * it scales, and which ones cannot be laid over a run in containers.
 */

/** Names of today for those of earlier versions and of other engines; all of one meaning lead to the same. */
const renamed: Readonly<Record<string, string>> = {
  'lua-time-limit': 'busy-reply-threshold',
  primaryauth: 'masterauth',
  primaryuser: 'masteruser',
  'repl-ping-primary-period': 'repl-ping-replica-period',
  'commandlog-execution-slower-than': 'slowlog-log-slower-than',
  'commandlog-slow-execution-max-len': 'slowlog-max-len',
  server_cpulist: 'server-cpulist',
  bio_cpulist: 'bio-cpulist',
  aof_rewrite_cpulist: 'aof-rewrite-cpulist',
  bgsave_cpulist: 'bgsave-cpulist',
};

/** The one name of all that mean the same: `slave-read-only` and `replica-read-only`, `hash-max-ziplist-value` and so on. */
export function meaningOf(name: string): string {
  const small = name.toLowerCase();
  return renamed[small] ?? small.replace('ziplist', 'listpack').replace('slave', 'replica');
}

/** Of all names that mean the same the one among these, today's where it is there; undefined where none is. */
export function nameFor(name: string, known: readonly string[]): string | undefined {
  const meaning = meaningOf(name);
  return known.includes(meaning) ? meaning : known.find((candidate) => meaningOf(candidate) === meaning);
}

/**
 * What the numbers of a value measure, in order; a list that is shorter than the value is used again and again. Bytes and
 * spans of time scale, and so do changes, which a client of the same pace makes in a scaled span; a word stays, and so does `held`,
 * a number that the factor is not about.
 */
export type Measure = 'bytes' | 'ms' | 'seconds' | 'changes' | 'count' | 'percent' | 'word' | 'held';
export const measures: Readonly<Record<string, readonly Measure[]>> = {
  // Sizes.
  maxmemory: ['bytes'],
  'maxmemory-clients': ['bytes'],
  'client-query-buffer-limit': ['bytes'],
  // Class, hard limit, soft limit, for how long above it: the stream is as fast as it is, so that the span stays.
  'client-output-buffer-limit': ['word', 'bytes', 'bytes', 'held'],
  'proto-max-bulk-len': ['bytes'],
  'repl-backlog-size': ['bytes'],
  'replica-full-sync-buffer-limit': ['bytes'],
  'cluster-link-sendbuf-limit': ['bytes'],
  'auto-aof-rewrite-min-size': ['bytes'],
  'active-defrag-ignore-bytes': ['bytes'],
  'slot-migration-max-failover-repl-bytes': ['bytes'],
  // Spans of time.
  'cluster-node-timeout': ['ms'],
  'cluster-ping-interval': ['ms'],
  'cluster-manual-failover-timeout': ['ms'],
  'busy-reply-threshold': ['ms'],
  'repl-timeout': ['seconds'],
  'repl-ping-replica-period': ['seconds'],
  'repl-diskless-sync-delay': ['seconds'],
  'repl-backlog-ttl': ['seconds'],
  'min-replicas-max-lag': ['seconds'],
  'shutdown-timeout': ['seconds'],
  'cluster-blacklist-ttl': ['seconds'],
  timeout: ['seconds'],
  'tcp-keepalive': ['seconds'],
  // Pairs: within so many seconds so many changes.
  save: ['seconds', 'changes'],
  // Numbers without a size, for which 1 is the usual factor.
  'cluster-replica-validity-factor': ['count'],
  'cluster-migration-barrier': ['count'],
  'min-replicas-to-write': ['count'],
  maxclients: ['count'],
  hz: ['count'],
  'auto-aof-rewrite-percentage': ['percent'],
  'active-defrag-threshold-lower': ['percent'],
  'active-defrag-threshold-upper': ['percent'],
  'active-defrag-cycle-min': ['percent'],
  'active-defrag-cycle-max': ['percent'],
};

export const isSize = (name: string): boolean => measures[meaningOf(name)]?.includes('bytes') ?? false;

/** Those whose line has several words behind the name, each a value of its own; all others have one, in quotes where it has blanks. */
const manyWords = [
  'save',
  'client-output-buffer-limit',
  'bind',
  'oom-score-adj-values',
  'latency-tracking-info-percentiles',
  'shutdown-on-sigterm',
  'shutdown-on-sigint',
];
export const hasManyWords = (name: string): boolean => manyWords.includes(meaningOf(name));

/** Those of which each line adds to the ones before it; of all others the last line wins. */
export const addsUp = (name: string): boolean => ['save', 'client-output-buffer-limit'].includes(meaningOf(name));

const secrets = /^(requirepass|masterauth|user|tls-(client-)?key-file-pass)$/;
/** What must not appear in a record or in an answer. */
export const isSecret = (name: string): boolean => secrets.test(meaningOf(name));

/** Why a directive is not laid over a run, unless an experiment asks for it by naming it in its scale. */
const apart: readonly (readonly [names: RegExp, because: string])[] = [
  [
    /^(port|tls-port|bind|bind-source-addr|unixsocket.*|protected-mode|socket-mark-id|mptcp|repl-mptcp|rdma-.*)$/,
    'a container has its own network',
  ],
  [
    /^(cluster-port|cluster-announce-.*|replica-announce-.*|cluster-preferred-endpoint-type)$/,
    'a node is announced by the address of its container',
  ],
  [
    /^(dir|logfile|pidfile|dbfilename|appendfilename|appenddirname|cluster-config-file|syslog-.*)$/,
    'a container has its own files, under names that faults know',
  ],
  [/^(loglevel|log-.*|hide-user-data-from-log|crash-.*)$/, "the record reads the engine's log"],
  [
    /^(daemonize|supervised|set-proc-title|proc-title-template|always-show-logo|locale-collate|ignore-warnings)$/,
    'a container has its own start',
  ],
  [
    /^(requirepass|masterauth|masteruser|user|aclfile|acl-pubsub-default|acllog-.*|rename-command)$/,
    'operators and probes of the run must be let in',
  ],
  [/^enable-(protected-configs|debug-command|module-command)$/, 'faults may need what it forbids'],
  [/^tls-/, 'certificates are made for each run'],
  [/^(loadmodule|module-.*)$/, 'the image has no modules'],
  [/^(replicaof|cluster-enabled|sentinel)$/, 'the run lays the cluster out itself'],
  [
    /^(io-threads.*|.*-cpulist|disable-thp|oom-score-adj.*|jemalloc-bg-thread|tcp-backlog)$/,
    'it is about a machine that these containers do not have',
  ],
];
export const apartBecause = (name: string): string | undefined => apart.find(([names]) => names.test(meaningOf(name)))?.[1];
