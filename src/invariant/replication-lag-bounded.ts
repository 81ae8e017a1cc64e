import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { spanOf } from '../timeline/claims.ts';
import { type Lag, lags } from '../timeline/lag.ts';
import { allowanceMs, recoveryBoundMs } from '../timeline/theory.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** What operators are told to raise an alarm at. */
const usual = { lagBytes: 50_000_000, lagSeconds: 10 } as const;

/**
 * While a fault is at either end of a link, and until the theory gives it up after the heal, its lag is explained; a link
 * that is down is more than a lag, and others ask for it. An experiment that has a limit of its own allows no excuse.
 */
function excused(timeline: Timeline): (lag: Lag) => boolean {
  const afterMs = recoveryBoundMs(timeline.run) + allowanceMs;
  const spans = timeline
    .of('fault-injecting')
    .map(({ fault, nodes, atMs }) => ({ nodes, fromMs: atMs, toMs: spanOf(timeline, fault).healedAtMs + afterMs }));
  return ({ replica, primary, atMs, linked }) =>
    !linked ||
    spans.some(({ nodes, fromMs, toMs }) => [replica, primary].some((node) => nodes.includes(node)) && fromMs <= atMs && atMs <= toMs);
}

export default {
  name: 'replication-lag-bounded',
  claim: 'A replica that is linked and that no fault keeps from its primary is never more behind it than the limit, in bytes and in time.',
  check(timeline) {
    const { budget } = timeline.run;
    const seen = lags(timeline);
    const excuse = excused(timeline);
    const worst = (by: 'bytes' | 'ms', strict: boolean): Lag | undefined =>
      seen
        .filter((lag) => strict || !excuse(lag))
        .reduce<Lag | undefined>((most, lag) => (most && most[by] >= lag[by] ? most : lag), undefined);
    const bytes = worst('bytes', budget.lagBytes !== undefined);
    const time = worst('ms', budget.lagSeconds !== undefined);
    const limitBytes = budget.lagBytes ?? usual.lagBytes;
    const limitMs = (budget.lagSeconds ?? usual.lagSeconds) * 1_000;
    const over = [
      ...(bytes && bytes.bytes > limitBytes
        ? [{ ...bytes, text: `${bytes.replica} was ${bytes.bytes} bytes behind ${bytes.primary}, the limit is ${limitBytes}` }]
        : []),
      ...(time && time.ms > limitMs
        ? [{ ...time, text: `${time.replica} was ${formatMs(time.ms)} behind ${time.primary}, the limit is ${formatMs(limitMs)}` }]
        : []),
    ];
    if (over.length > 0)
      return violated(
        over.map(({ text }) => text).join('; '),
        over.map(({ seq }) => seq),
      );
    if (timeline.phaseAtMs('steady') === undefined) return unknown('the run was never steady');
    return heldByAll(
      'INFO',
      [timeline.final('replication')],
      `the greatest lag was ${bytes?.bytes ?? 0} bytes, the longest ${formatMs(time?.ms ?? 0)}`,
    );
  },
} satisfies Invariant;
