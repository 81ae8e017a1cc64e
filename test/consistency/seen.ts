import type { Consistency } from '../../src/consistency.ts';
import { examineHistory } from '../../src/examine.ts';
import type { Timeline } from '../../src/timeline/timeline.ts';
import { made, scan } from './made.ts';

/** What a history made by hand shows in a run; times are on the run's clock. */
export function seen(history: string, timeline: Timeline, defects: readonly string[] = []): Consistency {
  const operations = made(history);
  return examineHistory((see) => ({ names: scan(operations, see), defects }), timeline);
}

/** Something of everything, as it should be, long before any fault of the films. */
export const soundHistory = `
210-211 c1 node-1 set r 1
212-213 c1 node-1 get r 1
214-215 c1 node-1 set-pair p 2
216-217 c1 node-1 get-pair p 2 2
218-219 c1 node-1 increment n 1 #3
220-221 c1 node-1 push q 4
222-223 c1 node-1 take q 4
224-225 c1 node-1 set-expiring e 5 600000
226-227 c1 node-1 get-expiring e 5
228-229 c1 node-1 append l 6
230-231 c1 node-1 range l 6
232-233 c1 node-1 add s 7
final node-1 get r 1
final node-1 get-pair p 2 2
final node-1 count n 1
final node-1 range q
final node-1 range q:taken 4
final node-1 get-expiring e 5
final node-1 range l 6
final node-1 members s 7
`;
