import type { Timeline } from './timeline.ts';

/** How often primaries answered a replica with a full and with a partial resync. */
export interface Resyncs {
  readonly full: number;
  readonly partial: number;
  /** The newest answers of the processes that gave a full one. */
  readonly witnesses: readonly number[];
}

/**
 * Counts from `fromMs` on, which is the steady phase unless told. Counters start again with the process, so growth is
 * counted for each run_id apart: one that started during the run counts from zero, those that were there before from where
 * they stood last.
 */
export function resyncs(timeline: Timeline, fromMs = 0): Resyncs {
  const samples = timeline.seen('replication', { fromMs: timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY });
  const original = new Set(timeline.run.nodes.flatMap(({ name }) => timeline.seen('replication', { node: name })[0]?.value.runId ?? []));
  let full = 0;
  let partial = 0;
  const witnesses: number[] = [];
  for (const series of Map.groupBy(samples, ({ value }) => value.runId).values()) {
    const [first, last] = [series[0], series.at(-1)];
    if (!first || !last) continue;
    const before = series.findLast(({ atMs }) => atMs <= fromMs) ?? (original.has(first.value.runId) ? first : undefined);
    const from = before?.value ?? { syncFull: 0, syncPartialOk: 0 };
    full += last.value.syncFull - from.syncFull;
    partial += last.value.syncPartialOk - from.syncPartialOk;
    if (last.value.syncFull > from.syncFull) witnesses.push(last.seq);
  }
  return { full, partial, witnesses };
}
