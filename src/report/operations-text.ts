import { formatMs } from '../base/duration.ts';
import type { Consistency } from '../consistency.ts';
import type { RunInfo } from '../timeline.ts';
import { accountsOf, ascribedLosses, totalOf } from './accounts.ts';
import { anomaliesOf } from './anomalies.ts';
import { standstill } from './standstill.ts';
import { grouped } from './table.ts';
import { fine } from './time.ts';

/** A line of the terminal: what it is, a figure, and a remark. */
export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

/** What operations show, in one line where all is well, and otherwise in a few. */
export function operationsText(run: RunInfo, consistency: Consistency | null): Fact[] {
  if (!consistency) return [{ name: 'operations', value: '–', note: 'the run has no history of them' }];
  const { operations, defects, service, splitBrain } = consistency;
  const total = totalOf(accountsOf(run, consistency));
  const anomalies = anomaliesOf(run, consistency).filter((anomaly) => anomaly.total > 0);
  const latency = service.latencies.find(({ phase }) => phase === 'all')?.ok;
  const alone = standstill(service, run.workload);
  const stall = [service.stall ? `longest stall ${formatMs(service.stall.ms)}` : '', alone].filter(Boolean).join('; ');
  const p99 = latency ? `p99 ${fine(latency.p99Ms)}` : '';
  const missing: Fact[] =
    defects.length > 0 ? [{ name: 'history', value: 'cut', note: 'part of it is missing: what is counted here is what can be read' }] : [];
  if (operations === 0) return [...missing, { name: 'operations', value: '0', note: 'nothing was recorded' }];
  if (total.lost === 0 && anomalies.length === 0 && splitBrain.nodes.totalMs === 0)
    return [
      ...missing,
      { name: 'acknowledged', value: grouped(total.acknowledged), note: ['none lost, no anomaly', stall, p99].filter(Boolean).join('; ') },
    ];
  const { longestWindowMs, nodes } = ascribedLosses(consistency);
  const losers = nodes.filter(({ lost }) => lost > 0).map(({ node }) => node ?? 'nodes that nobody knows');
  return [
    ...missing,
    { name: 'acknowledged', value: grouped(total.acknowledged), note: [stall, p99].filter(Boolean).join('; ') },
    ...(total.lost > 0
      ? [
          {
            name: '  lost',
            value: grouped(total.lost),
            note: `${total.outside > 0 ? `${grouped(total.outside)} outside every documented window` : 'all in documented windows'}${losers.length > 0 ? `; by ${losers.join(', ')}` : ''}`,
          },
          {
            name: '  longest loss window',
            value: formatMs(longestWindowMs),
            note: run.budget.lossWindowMs === undefined ? '' : `${formatMs(run.budget.lossWindowMs)} allowed`,
          },
        ]
      : []),
    ...(splitBrain.clients.totalMs + splitBrain.nodes.totalMs > 0
      ? [
          {
            name: '  split brain',
            value: formatMs(splitBrain.clients.totalMs),
            note: `as clients saw it; ${formatMs(splitBrain.nodes.totalMs)} by the nodes' own words`,
          },
        ]
      : []),
    ...(anomalies.length > 0
      ? [
          {
            name: '  anomalies',
            value: grouped(anomalies.reduce((sum, anomaly) => sum + anomaly.total, 0)),
            note: anomalies
              .map(({ name, total: count, outside }) => `${grouped(count)} ${name}${outside > 0 ? ` (${grouped(outside)} outside)` : ''}`)
              .join('; '),
          },
        ]
      : []),
  ];
}
