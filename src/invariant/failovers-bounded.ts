import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { covered, roleChanges } from '../timeline/claims.ts';

/** A failover is a node that becomes the primary of slots, whoever wanted it. */
export default {
  name: 'failovers-bounded',
  claim: 'Slots do not change hands by failover more often than the experiment allows.',
  suits: ({ budget }) => budget.failovers !== undefined,
  check(timeline) {
    const allowed = timeline.run.budget.failovers ?? 0;
    const failovers = roleChanges(timeline).filter(({ to, slots }) => to === 'primary' && covered(slots) > 0);
    const said = `${failovers.length} failovers, where ${allowed} are allowed`;
    if (failovers.length > allowed)
      return violated(
        `${said}: ${failovers.map(({ node, atMs }) => `${node} took over at ${formatMs(atMs)}`).join('; ')}`,
        failovers.map(({ seq }) => seq),
      );
    return heldByAll('topology', [timeline.final('topology')], said);
  },
} satisfies Invariant;
