import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { recoveredAfterMs } from '../timeline/health.ts';
import { wordsOf } from '../timeline/words.ts';
import { allowanceMs, recoveryBoundMs } from '../timeline/theory.ts';

export default {
  name: 'recovers-in-time',
  claim: 'After the last heal the cluster becomes healthy within the bound computed from its settings and engine.',
  check(timeline) {
    const boundMs = recoveryBoundMs(timeline.run) + allowanceMs;
    const stuck = timeline.of('not-settled').at(-1);
    if (stuck)
      return violated(
        `the cluster did not become healthy within ${formatMs(timeline.run.settleWithinMs)}: ${stuck.lacking.slice(0, 4).join('; ') || 'nobody said why'}${wordsOf(timeline, timeline.of('fault-healed').at(-1)?.atMs ?? 0, stuck.atMs)}`,
        [stuck.seq],
      );
    const settled = timeline.of('settled').at(-1);
    if (!settled) return unknown('the run ended before it settled');
    const afterMs = recoveredAfterMs(timeline) ?? settled.afterMs;
    if (afterMs > boundMs)
      return violated(`it took ${formatMs(afterMs)} to become healthy, the bound is ${formatMs(boundMs)}`, [settled.seq]);
    return held(`healthy ${formatMs(afterMs)} after the last heal, the bound is ${formatMs(boundMs)}`);
  },
} satisfies Invariant;
