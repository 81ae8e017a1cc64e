import { type Invariant, held, unknown, violated } from '../invariant.ts';

/** A client that believes what it is told is sent elsewhere once for each slot that moved, not again and again. */
const defaultLimit = 1;

/**
 * MOVED and ASK for each operation. The bare client counts its own; what libraries hide is counted by the engines, from
 * Redis 6.2 on (INFO errorstats).
 */
export default {
  name: 'redirects-bounded',
  claim: 'Clients are sent elsewhere no more often than once an operation, or than the experiment allows.',
  suits: ({ workload, engine }) => workload.client === 'bare' || !(engine.kind === 'redis' && /^6\.[01]\./.test(engine.version)),
  check(timeline) {
    const stopped = timeline.of('workload-stopped').at(-1);
    if (!stopped) return unknown('the run ended before its clients stopped');
    const counted = timeline.of('errors-counted').at(-1);
    const replies = counted?.replies && (counted.replies['MOVED'] ?? 0) + (counted.replies['ASK'] ?? 0);
    const redirects = stopped.redirects ?? replies;
    const operations = stopped.ok + stopped.failed + stopped.unknown;
    if (redirects === undefined || redirects === null) return unknown('neither clients nor engines counted redirects');
    if (operations === 0) return unknown('no operation was recorded');
    const limit = timeline.run.budget.redirectsPerOperation ?? defaultLimit;
    const each = redirects / operations;
    const said = `${redirects} redirects of ${operations} operations, ${each.toFixed(3)} each`;
    if (each <= limit) return held(`${said}; ${limit} are allowed`);
    return violated(`${said}, where ${limit} are allowed`, [stopped.seq, ...(counted ? [counted.seq] : [])]);
  },
} satisfies Invariant;
