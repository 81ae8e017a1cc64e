import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { covered, roleChanges, silent } from '../timeline/claims.ts';

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
    const quiet = silent(timeline.final('topology'));
    if (quiet.length > 0) return unknown(`no topology of ${quiet.join(', ')} in the verify phase`);
    return held(said);
  },
} satisfies Invariant;
