import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { roleChanges } from '../timeline/claims.ts';
import { resyncs } from '../timeline/resyncs.ts';

/** So many full resyncs of one replica within so long are a loop, whatever the budget. */
const loop = { fulls: 3, withinMs: 60_000 } as const;

/**
 * Each demotion, each restart, each command to replicate and each node that a fault touched may cost one full resync (replication.c
 * masterTryPartialResynchronization); more than that, three within a minute for the same replica, or an output buffer
 * overrun twice, is a loop.
 */
export default {
  name: 'no-endless-full-resync',
  claim: 'There are no more full resyncs than role changes, restarts, commands and disturbed nodes explain.',
  check(timeline) {
    const steadyAtMs = timeline.phaseAtMs('steady');
    const samples = timeline.seen('replication', { fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY });
    const { nodes } = timeline.run;
    // A process that started during the run counts from zero; those that were there before count from where they stood.
    const original = new Set(nodes.flatMap(({ name }) => timeline.seen('replication', { node: name })[0]?.value.runId ?? []));
    const replicasEach = Math.max(
      1,
      Math.ceil(nodes.filter(({ role }) => role === 'replica').length / Math.max(1, nodes.filter(({ role }) => role === 'primary').length)),
    );
    // Who is told whom to replicate begins anew, each time.
    const told = timeline
      .of('commanded')
      .filter(({ command, failed }) => !failed && /CLUSTER (REPLICATE|RESET)|REPLICAOF|SLAVEOF/i.test(command)).length;
    const processes = Map.groupBy(samples, ({ value }) => value.runId);
    for (const series of processes.values()) {
      let from = 0;
      for (const seen of series) {
        while (seen.atMs - (series[from]?.atMs ?? seen.atMs) > loop.withinMs) from++;
        const fulls = seen.value.syncFull - (series[from]?.value.syncFull ?? 0);
        if (fulls - told >= loop.fulls * replicasEach)
          return violated(`${seen.node} began ${fulls} full resyncs within a minute`, [series[from]?.seq ?? seen.seq, seen.seq]);
      }
    }
    const { full, witnesses } = resyncs(timeline);
    const restarts = [...processes.keys()].filter((runId) => !original.has(runId)).length;
    const disturbed = new Set(timeline.of('fault-injecting').flatMap((event) => event.nodes)).size;
    const demotions = roleChanges(timeline).filter(({ to }) => to === 'replica').length;
    const budget = restarts + disturbed + demotions + told;
    const overruns = timeline.of('log-line').filter(({ kind }) => kind === 'output-buffer-overrun');
    if (overruns.length >= 2)
      return violated(
        `replicas were dropped ${overruns.length} times for overrunning their output buffer`,
        overruns.map(({ seq }) => seq),
      );
    if (full > budget) return violated(`${full} full resyncs, the budget is ${budget}`, witnesses);
    if (steadyAtMs === undefined) return unknown('the run was never steady');
    return heldByAll('INFO', [timeline.final('replication')], `${full} full resyncs, the budget is ${budget}`);
  },
} satisfies Invariant;
