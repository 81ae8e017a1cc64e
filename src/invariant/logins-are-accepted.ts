import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { silent } from '../timeline/claims.ts';
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
    const quiet = silent(timeline.final('replication'));
    if (quiet.length > 0) return unknown(`no INFO replication of ${quiet.join(', ')} in the verify phase`);
    return held('no replica is refused for its login');
  },
} satisfies Invariant;
