import type { ProbeName } from './observation.ts';
import type { Seen, Timeline } from './timeline.ts';

/**
 * A condition for `until`: that some answer to a probe was such as this. Each look asks of what was answered since the last one.
 * Make it once, outside the look; `such` sees the answers in their order, and none once the condition holds.
 */
export function ever<P extends ProbeName>(probe: P, such: (seen: Seen<P>) => boolean): (timeline: Timeline) => boolean {
  const fold = {
    probe,
    start: () => ({ was: false }),
    step: (state: { was: boolean }, seen: Seen<P>) => {
      state.was ||= such(seen);
    },
  };
  return (timeline) => timeline.folded(fold).was;
}
