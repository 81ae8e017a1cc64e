import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';

export default {
  name: 'forks-bounded',
  claim: 'No node stands still for longer than the budget allows while it forks for a snapshot, a rewrite or a full resync.',
  suits: ({ budget }) => budget.forkMs !== undefined,
  check(timeline) {
    const limitMs = timeline.run.budget.forkMs ?? 0;
    const steadyAtMs = timeline.phaseAtMs('steady');
    // latest_fork_usec (server.c genRedisInfoString): that of a fork before the steady phase is told until the next one.
    const longest = timeline
      .seen('persistence', { fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY })
      .toSorted((a, b) => b.value.lastForkMicros - a.value.lastForkMicros)[0];
    const forkMs = (longest?.value.lastForkMicros ?? 0) / 1_000;
    const said = `the longest fork was ${formatMs(forkMs)}${longest ? ` at ${longest.node}` : ''}, the limit is ${formatMs(limitMs)}`;
    if (longest && forkMs > limitMs) return violated(said, [longest.seq]);
    if (steadyAtMs === undefined) return unknown('the run was never steady');
    return heldByAll('INFO persistence', [timeline.final('persistence')], said);
  },
} satisfies Invariant;
