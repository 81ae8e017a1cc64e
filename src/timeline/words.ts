import type { LogKind } from '../timeline.ts';
import type { Timeline } from './timeline.ts';

/** Lines in which an engine says itself why something does not come about. */
const reasons: readonly LogKind[] = [
  'cannot-failover',
  'vote-denied',
  'link-timed-out',
  'data-refused',
  'login-refused',
  'certificate-refused',
];
const named = 3;

/** What is left of a line of an engine without its process, role and time. */
const bare = (text: string): string => text.replace(/^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ . /, '').trim();

/**
 * `; node-4 says: …` with what engines said in a span of the run's clock of why they do not do what is expected; each sentence once, the last
 * ones, and nothing where they said nothing.
 */
export function wordsOf(timeline: Timeline, fromMs: number, toMs = Number.POSITIVE_INFINITY): string {
  const said = timeline
    .of('log-line')
    .filter(({ kind, loggedAtMs }) => reasons.includes(kind) && loggedAtMs >= fromMs && loggedAtMs <= toMs)
    .map(({ node, text }) => `${node} says: ${bare(text)}`);
  return [...new Set(said)]
    .slice(-named)
    .map((each) => `; ${each}`)
    .join('');
}
