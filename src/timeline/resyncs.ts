import { Series } from './series.ts';
import type { Fold, Seen, Timeline } from './timeline.ts';

/** How often primaries answered a replica with a full and with a partial resync. */
export interface Resyncs {
  readonly full: number;
  readonly partial: number;
  /** The newest answers of the processes that gave a full one. */
  readonly witnesses: readonly number[];
}

/** The answers of each process by its run_id, and the process that each node was when it answered first. */
const processes: Fold<'replication', { readonly series: Map<string, Series<Seen<'replication'>>>; readonly first: Map<string, string> }> = {
  probe: 'replication',
  start: () => ({ series: new Map(), first: new Map() }),
  step: ({ series, first }, seen) => {
    const { runId } = seen.value;
    if (!first.has(seen.node)) first.set(seen.node, runId);
    let answers = series.get(runId);
    if (!answers) series.set(runId, (answers = new Series()));
    answers.add(seen);
  },
};

/**
 * Counts from `fromMs` on, which is the steady phase unless told. Counters start again with the process, so growth is
 * counted for each run_id apart: one that started during the run counts from zero, those that were there before from where
 * they stood last.
 */
export function resyncs(timeline: Timeline, fromMs = 0): Resyncs {
  const steadyAtMs = timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY;
  const { series, first: firstOf } = timeline.folded(processes);
  const original = new Set(timeline.run.nodes.map(({ name }) => firstOf.get(name)));
  let full = 0;
  let partial = 0;
  const witnesses: { readonly sinceSeq: number; readonly seq: number }[] = [];
  for (const [runId, answers] of series) {
    const first = answers.firstFrom(steadyAtMs);
    const last = answers.lastIn(steadyAtMs, Number.POSITIVE_INFINITY);
    if (!first || !last) continue;
    const before = answers.lastIn(steadyAtMs, fromMs) ?? (original.has(runId) ? first : undefined);
    const from = before?.value ?? { syncFull: 0, syncPartialOk: 0 };
    full += last.value.syncFull - from.syncFull;
    partial += last.value.syncPartialOk - from.syncPartialOk;
    if (last.value.syncFull > from.syncFull) witnesses.push({ sinceSeq: first.seq, seq: last.seq });
  }
  // By when each process was seen first.
  return { full, partial, witnesses: witnesses.sort((a, b) => a.sinceSeq - b.sinceSeq).map(({ seq }) => seq) };
}
