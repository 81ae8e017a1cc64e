import type { Exposure, RunInfo } from '../timeline.ts';

/**
 * What the engine's code promises for the settings of a run, in milliseconds. Line by line from cluster.c
 * (cluster_legacy.c from Redis 7.4 and Valkey 8.0 on); each function names its origin.
 */
export type Bounds = readonly [lowMs: number, highMs: number];

/** clusterCron runs every 100 ms (server.c serverCron). */
const cronMs = 100;
/**
 * What measuring adds: probes ask every 50 to 100 ms, and engines, clients and harness share the machine's cores. A
 * bound is only held against a measurement with this on top.
 */
export const allowanceMs = 750;

export const nodeTimeoutMs = (run: RunInfo): number => Number(run.settings['cluster-node-timeout'] ?? 15_000);

/** A node is pinged at the latest when its last pong is this old (clusterCron; cluster-ping-interval where it is set). */
export const pingPeriodMs = (run: RunInfo): number => Number(run.settings['cluster-ping-interval'] ?? 0) || nodeTimeoutMs(run) / 2;

/** One exchange of gossip between any two nodes. */
export const gossipMs = (run: RunInfo): number => Math.max(1_000, pingPeriodMs(run)) + 3 * cronMs;

/** From the fault to the first FAIL: one observer's time-out, then a second voter must hear of it (clusterCron, markNodeAsFailingIfNeeded). */
export function detectionBoundsMs(run: RunInfo): Bounds {
  const timeoutMs = nodeTimeoutMs(run);
  return [timeoutMs, timeoutMs + 2 * pingPeriodMs(run) + 3 * cronMs];
}

/**
 * How long the best-ranked replica waits before it asks for votes (clusterHandleSlaveFailover, in Valkey
 * clusterHandleReplicaFailover). Valkey 9.1 does not wait at all when it has no rival.
 */
export function electionDelayBoundsMs(run: RunInfo): Bounds {
  const [major = 0, minor = 0] = run.engine.version.split('.').map(Number);
  if (run.engine.kind === 'redis' || major < 9) return [500, 1_000];
  const stepMs = Math.min(nodeTimeoutMs(run) / 30, 500);
  if (major === 9 && minor === 0) return [stepMs, 2 * stepMs];
  const count = (wanted: 'primary' | 'replica'): number => run.nodes.filter(({ role }) => role === wanted).length;
  return [0, count('replica') > count('primary') ? 2 * stepMs + 500 : 0];
}

/** From the fault to the replica's promotion, when its first election succeeds. */
export function failoverBoundsMs(run: RunInfo): Bounds {
  const detection = detectionBoundsMs(run);
  const election = electionDelayBoundsMs(run);
  return [detection[0] + election[0], detection[1] + election[1] + 2 * cronMs];
}

/** A primary cut off from the majority goes on acknowledging writes for up to this long (clusterUpdateState: the later of two PFAILs). */
export const isolatedWritesMs = (run: RunInfo): number => nodeTimeoutMs(run) + pingPeriodMs(run) + 2 * cronMs;

/**
 * Two nodes may both accept writes for one slot for at most this long: the old one stops late, the new one starts early.
 * A primary that was frozen still says ok when it thaws, and accepts writes until it hears that it was replaced.
 */
export function overlapBoundMs(run: RunInfo, exposures: readonly Exposure[] = []): number {
  const partedMs = isolatedWritesMs(run) - (nodeTimeoutMs(run) + electionDelayBoundsMs(run)[0]);
  return Math.max(0, partedMs, exposures.some(({ how }) => how === 'frozen') ? gossipMs(run) : 0);
}

/** A primary that was in the minority, or has just booted, does not serve again before this (clusterUpdateState: CLUSTER_MIN/MAX_REJOIN_DELAY, CLUSTER_WRITABLE_DELAY). */
export const rejoinDelayMs = (run: RunInfo): number => Math.max(Math.min(Math.max(nodeTimeoutMs(run), 500), 5_000), 2_000);

/**
 * From the last heal to a healthy cluster. A primary that kept its slots may need 2 x node timeout until its FAIL is
 * cleared (clearNodeFailureIfNeeded), a minority primary waits (rejoinDelayMs), and a failover that the fault started
 * may still be under way. The maximum of these, because they run side by side; then a gossip exchange, and the resync,
 * which starts in replicationCron (1 Hz). It holds when the first election succeeds, and for data sets whose transfer
 * takes no time that matters.
 */
export function recoveryBoundMs(run: RunInfo): number {
  const timeoutMs = nodeTimeoutMs(run);
  const cleared = 2 * timeoutMs + pingPeriodMs(run) + 3 * cronMs;
  return (
    Math.max(cleared, rejoinDelayMs(run) + gossipMs(run), failoverBoundsMs(run)[1]) +
    Number(run.settings['repl-diskless-sync-delay'] ?? 5) * 1_000 +
    2_000 +
    gossipMs(run)
  );
}

/**
 * Until when, counted from the fault, an exposed node may acknowledge writes that are lost later. `untilHealedMs` is the
 * fault's own length: a frozen node answers queued commands after it thaws, until it hears that it was replaced, and an
 * isolated one that is healed early hears as soon. A crashed one loses what its replicas had not yet received.
 */
export function lossWindowMs(run: RunInfo, how: Exposure['how'], untilHealedMs: number): number {
  switch (how) {
    case 'isolated':
      return Math.min(isolatedWritesMs(run), untilHealedMs + gossipMs(run));
    case 'frozen':
      return untilHealedMs + gossipMs(run);
    case 'crashed':
      return cronMs;
    case 'emptied':
      return untilHealedMs;
  }
}
