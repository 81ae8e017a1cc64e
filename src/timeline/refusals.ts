import type { EventOf } from '../timeline.ts';
import type { Timeline } from './timeline.ts';

/** A replica that was refused tries again each second (replicationCron), a bus link ten times a second (clusterCron). */
const againWithinMs = 1_500;

/**
 * The refusals of one kind that engines still log when nobody disturbs them any more: those that the last heal has ended
 * are left out. Null where the end was not seen.
 */
export function lastingRefusals(timeline: Timeline, kind: 'certificate-refused' | 'login-refused'): readonly EventOf<'log-line'>[] | null {
  const settlingAtMs = timeline.phaseAtMs('settle');
  if (settlingAtMs === undefined || timeline.phaseAtMs('judge') === undefined) return null;
  return timeline.of('log-line').filter((line) => line.kind === kind && line.loggedAtMs > settlingAtMs + againWithinMs);
}

/** Who was refused how often, and in the words of the engine. */
export function said(refusals: readonly EventOf<'log-line'>[]): string {
  const byNode = Map.groupBy(refusals, ({ node }) => node);
  return [...byNode].map(([node, lines]) => `${node} logged ${lines.length} times such as: ${wordsOf(lines[0]?.text ?? '')}`).join('; ');
}

/** A log line without its process and its stamp. */
const wordsOf = (text: string): string => text.replace(/^\d+:[A-Z] .*?\d{2}:\d{2}:\d{2}\.\d{3} [.\-*#] /, '');
