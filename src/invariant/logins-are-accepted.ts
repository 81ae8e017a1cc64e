import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { lastingRefusals, said } from '../timeline/refusals.ts';

/** The state of the cluster does not show it: a replica that is not let in tries again for ever, and everybody says ok. */
export default {
  name: 'logins-are-accepted',
  claim: 'In the end no replica is refused by its primary for its user or its password.',
  check(timeline) {
    const refusals = lastingRefusals(timeline, 'login-refused');
    if (!refusals) return unknown('the run ended before the cluster was left alone');
    if (refusals.length > 0)
      return violated(
        said(refusals),
        refusals.map(({ seq }) => seq),
      );
    // Who is silent may be refused just as silently.
    return heldByAll('INFO replication', [timeline.final('replication')], 'no replica is refused for its login');
  },
} satisfies Invariant;
