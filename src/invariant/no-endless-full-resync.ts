import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { roleChanges } from '../timeline/claims.ts';

/**
 * Each demotion, each restart and each node that a fault touched may cost one full resync (replication.c
 * masterTryPartialResynchronization); more than that, or an output buffer overrun twice, is a loop. Counters start again
 * with the process, so growth is counted for each run_id apart.
 */
export default {
  name: 'no-endless-full-resync',
  claim: 'There are no more full resyncs than role changes, restarts and disturbed nodes explain.',
  check(timeline) {
    const steadyAtMs = timeline.phaseAtMs('steady');
    const samples = timeline.seen('replication', { fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY });
    const silentNodes = timeline.run.nodes.filter(({ name }) => !samples.some(({ node }) => node === name));
    if (silentNodes.length > 0) return unknown(`no INFO of ${silentNodes.map(({ name }) => name).join(', ')} since the run was steady`);
    const processes = Map.groupBy(samples, ({ value }) => value.runId);
    let full = 0;
    const witnesses: number[] = [];
    for (const series of processes.values()) {
      const [first, last] = [series[0], series.at(-1)];
      if (!first || !last) continue;
      // A process that started during the run counts from zero.
      const known =
        timeline.seen('replication', { node: first.node, toMs: steadyAtMs ?? 0 }).some(({ value }) => value.runId === first.value.runId) ||
        first === samples.find(({ node }) => node === first.node);
      const grown = last.value.syncFull - (known ? first.value.syncFull : 0);
      if (grown > 0) witnesses.push(last.seq);
      full += grown;
    }
    const restarts = processes.size - timeline.run.nodes.length;
    const disturbed = new Set(timeline.of('fault-injecting').flatMap(({ nodes }) => nodes)).size;
    const demotions = roleChanges(timeline).filter(({ to }) => to === 'replica').length;
    const budget = Math.max(0, restarts) + disturbed + demotions;
    const overruns = timeline.of('log-line').filter(({ kind }) => kind === 'output-buffer-overrun');
    if (overruns.length >= 2)
      return violated(
        `replicas were dropped ${overruns.length} times for overrunning their output buffer`,
        overruns.map(({ seq }) => seq),
      );
    if (full > budget) return violated(`${full} full resyncs, the budget is ${budget}`, witnesses);
    return held(`${full} full resyncs, the budget is ${budget}`);
  },
} satisfies Invariant;
