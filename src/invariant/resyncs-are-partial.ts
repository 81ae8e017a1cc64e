import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { resyncs } from '../timeline/resyncs.ts';

/** Counted by the primaries, who decide it (replication.c masterTryPartialResynchronization). */
export default {
  name: 'resyncs-are-partial',
  claim: 'A replica that was cut off goes on where it was: there are no more full resyncs than the experiment allows.',
  suits: ({ budget }) => budget.fullResyncs !== undefined,
  check(timeline) {
    const allowed = timeline.run.budget.fullResyncs ?? 0;
    const { full, partial, witnesses } = resyncs(timeline);
    if (full > allowed)
      return violated(`${full} full resyncs and ${partial} partial ones, where ${allowed} full ones are allowed`, witnesses);
    if (timeline.phaseAtMs('steady') === undefined) return unknown('the run was never steady');
    return heldByAll('INFO', [timeline.final('replication')], `${full} full resyncs, ${allowed} are allowed, and ${partial} partial ones`);
  },
} satisfies Invariant;
