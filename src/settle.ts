import { sleepMs } from './base/poll.ts';
import type { Observer } from './observe.ts';
import { lacking } from './timeline/health.ts';
import type { Recorder } from './timeline/recorder.ts';
import type { RunInfo } from './timeline.ts';

/**
 * Waits until every node has described the same healthy cluster, by answers given after this call, or the time is up.
 * Returns what is lacking: nothing when it settled.
 */
export async function settle(
  run: RunInfo,
  observer: Observer,
  recorder: Recorder,
  withinMs: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const sinceMs = recorder.nowMs();
  for (;;) {
    const reasons = lacking(run, {
      clusterInfo: observer.latest('cluster-info', sinceMs),
      topology: observer.latest('topology', sinceMs),
      replication: observer.latest('replication', sinceMs),
    });
    if (reasons.length === 0 || recorder.nowMs() - sinceMs > withinMs) return reasons;
    await sleepMs(25, signal);
  }
}
