import { formatMs } from './base/duration.ts';
import { sleepMs } from './base/poll.ts';
import type { Observer } from './observe.ts';
import { lacking } from './timeline/health.ts';
import type { Recorder } from './timeline/recorder.ts';
import type { RunInfo } from './timeline.ts';

export interface Settling {
  /** What is lacking: nothing when it settled. */
  readonly lacking: readonly string[];
  /** Since when it has been healthy, on the run's clock; null where it is not. */
  readonly healthySinceMs: number | null;
}

export interface SettleOptions {
  readonly withinMs: number;
  readonly holdMs?: number;
  readonly notBeforeMs?: number;
  /** Called whenever it is found healthy after it was not: from here on only a relapse is waited for. */
  readonly onHealthy?: () => void;
}

/**
 * Waits until every node has described the same healthy cluster, by answers given after this call, and still does so
 * `holdMs` later and at `notBeforeMs` on the run's clock; or the time is up. A relapse is noted.
 */
export async function settle(
  run: () => RunInfo,
  observer: Observer,
  recorder: Recorder,
  { withinMs, holdMs = 0, notBeforeMs = 0, onHealthy }: SettleOptions,
  signal?: AbortSignal,
): Promise<Settling> {
  const sinceMs = recorder.nowMs();
  let healthySinceMs: number | null = null;
  for (;;) {
    const reasons = lacking(run(), {
      clusterInfo: observer.latest('cluster-info', sinceMs),
      topology: observer.latest('topology', sinceMs),
      replication: observer.latest('replication', sinceMs),
    });
    const nowMs = recorder.nowMs();
    if (reasons.length > 0 && healthySinceMs !== null) {
      recorder.record({
        type: 'noted',
        text: `healthy for ${formatMs(nowMs - healthySinceMs)}, and then no longer: ${reasons.join('; ')}`,
      });
      healthySinceMs = null;
    }
    if (reasons.length === 0 && healthySinceMs === null) {
      healthySinceMs = nowMs;
      onHealthy?.();
    }
    const held = healthySinceMs !== null && nowMs >= healthySinceMs + holdMs && nowMs >= notBeforeMs;
    if (held || nowMs - sinceMs > withinMs) return { lacking: reasons, healthySinceMs };
    await sleepMs(25, signal);
  }
}
