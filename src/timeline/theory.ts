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

/** How long a lone replica waits before it asks for votes (clusterHandleReplicaFailover, clusterHandleSlaveFailover). */
export function electionDelayBoundsMs(run: RunInfo): Bounds {
  const [major = 0, minor = 0] = run.engine.version.split('.').map(Number);
  if (run.engine.kind === 'redis' || major < 9) return [500, 1_000];
  const stepMs = Math.min(nodeTimeoutMs(run) / 30, 500);
  return minor >= 1 || major > 9 ? [0, 2 * stepMs] : [stepMs, 2 * stepMs];
}

/** From the fault to the replica's promotion, when its first election succeeds. */
export function failoverBoundsMs(run: RunInfo): Bounds {
  const detection = detectionBoundsMs(run);
  const election = electionDelayBoundsMs(run);
  return [detection[0] + election[0], detection[1] + election[1] + 2 * cronMs];
}

/** A primary cut off from the majority goes on acknowledging writes for up to this long (clusterUpdateState: the later of two PFAILs). */
export const isolatedWritesMs = (run: RunInfo): number => nodeTimeoutMs(run) + pingPeriodMs(run) + 2 * cronMs;

/** Two nodes may both accept writes for one slot for at most this long: the old one stops late, the new one starts early. */
export function overlapBoundMs(run: RunInfo): number {
  return Math.max(0, isolatedWritesMs(run) - (nodeTimeoutMs(run) + electionDelayBoundsMs(run)[0]));
}

/**
 * From the last heal to a healthy cluster. A primary that kept its slots may need 2 x node timeout until its FAIL is
 * cleared (clearNodeFailureIfNeeded), a minority primary waits clamp(NT, 500, 5000) (clusterUpdateState), a deposed one
 * reconnects within a gossip exchange, and its resync starts in replicationCron (1 Hz). The maximum of these, because
 * they run side by side; the transfer of a data set of this size takes no time that matters.
 */
export function recoveryBoundMs(run: RunInfo): number {
  const timeoutMs = nodeTimeoutMs(run);
  const cleared = 2 * timeoutMs + pingPeriodMs(run) + 3 * cronMs;
  const rejoined = Math.min(Math.max(timeoutMs, 500), 5_000) + gossipMs(run);
  return Math.max(cleared, rejoined) + Number(run.settings['repl-diskless-sync-delay'] ?? 5) * 1_000 + 2_000 + gossipMs(run);
}

/**
 * Until when, counted from the fault, an exposed node may acknowledge writes that are lost later. `untilHealedMs` is the
 * fault's own length: a frozen node answers queued commands after it thaws, until it hears that it was replaced.
 */
export function lossWindowMs(run: RunInfo, how: Exposure['how'], untilHealedMs: number): number {
  switch (how) {
    case 'isolated':
      return isolatedWritesMs(run);
    case 'frozen':
      return untilHealedMs + gossipMs(run);
    case 'crashed':
      return cronMs;
    case 'emptied':
      return untilHealedMs;
  }
}
