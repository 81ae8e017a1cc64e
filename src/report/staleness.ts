import type { Consistency } from '../consistency.ts';
import { formatMs } from '../base/duration.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { spread, spreadColumns } from './spread.ts';
import { grouped, number, part, table } from './table.ts';

/** How stale reads were, of primaries and of replicas apart, and what could not be told. */
export function staleness({ run: { budget } }: Timeline, { reads }: Consistency): string {
  const { primaries, replicas, final } = reads.reads;
  const rows = [
    { who: 'primaries', count: primaries, spread: reads.staleness.primaries },
    { who: 'replicas', count: replicas, spread: reads.staleness.replicas },
  ].filter(({ count }) => count > 0);
  const stale = rows.some((row) => row.spread !== null);
  const open = [
    reads.undecided > 0 ? `of ${reads.undecided} reads it cannot be told` : '',
    reads.lackingLost > 0 ? `${reads.lackingLost} reads lacked only what was lost, and count as loss` : '',
    reads.forgotten > 0 ? `what clients had seen was forgotten ${reads.forgotten} times, so that there may be more` : '',
  ].filter((text) => text !== '');
  const allowed = budget.stalenessMs === undefined ? '' : `, where ${formatMs(budget.stalenessMs)} are allowed`;
  const versions = reads.stale.examples.reduce((most, one) => Math.max(most, one.versions), 0);
  return part(
    'Staleness of reads',
    `${rows.map(({ who, count }) => `${grouped(count)} reads of ${who}`).join(', ')}, ${grouped(final)} at rest${
      stale
        ? `; how long what was returned had been replaced when the read was sent, up to ${versions} versions${allowed}`
        : '; none was stale'
    }.${open.length > 0 ? ` ${sentence(open.join('; '))}` : ''}`,
    rows.length === 0
      ? ''
      : stale
        ? table(
            ['answered by', number('stale'), ...spreadColumns],
            rows.map(({ who, spread: one }) => [who, one?.count ?? 0, ...spread(one)]),
          )
        : ' ',
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
