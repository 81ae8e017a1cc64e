import type { Consistency } from '../consistency.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { type Anomaly, anomaliesOf } from './anomalies.ts';
import { escape } from './escape.ts';
import { dim, grouped, markup, number, part, table } from './table.ts';

/** What clients saw that they should not have; what was looked for and not found is named in a sentence. */
export function anomalyTable(timeline: Timeline, consistency: Consistency): string {
  const all = anomaliesOf(timeline.run, consistency);
  const found = all.filter(({ total }) => total > 0);
  const none = all.filter(({ total }) => total === 0);
  return found.length === 0
    ? part('Anomalies', `None. Looked for: ${named(none)}.`, ' ')
    : part(
        'Anomalies',
        '',
        foundTable(timeline, found),
        none.length > 0 ? `<p class="dim">Looked for and not found: ${escape(named(none))}.</p>` : '',
      );
}

const named = (anomalies: readonly Anomaly[]): string => anomalies.map(({ name }) => name).join('; ');

function foundTable({ run: { budget } }: Timeline, found: readonly Anomaly[]): string {
  const allowed = ({ item }: Anomaly): number | undefined => (item === null ? undefined : budget[item]);
  const budgeted = found.some((anomaly) => allowed(anomaly) !== undefined);
  return table(
    ['what', number('seen'), number('outside'), ...(budgeted ? [number('allowed')] : []), dim('such as')],
    found.map((anomaly) => [
      anomaly.name,
      anomaly.total,
      anomaly.outside === 0 ? 0 : markup(`<b class="bad">${grouped(anomaly.outside)}</b>`),
      ...(budgeted ? [allowed(anomaly) ?? '–'] : []),
      anomaly.first,
    ]),
  );
}
