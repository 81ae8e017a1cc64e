import { formatMs } from '../base/duration.ts';
import type { Consistency } from '../consistency.ts';
import type { RunInfo } from '../timeline.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { accountsOf, ascribedLosses, totalOf } from './accounts.ts';
import { anomalyTable } from './anomaly-table.ts';
import { escape } from './escape.ts';
import { linearizability } from './linearizability.ts';
import { losses } from './loss.ts';
import { service } from './service.ts';
import { splitBrain } from './split-brain.ts';
import { staleness } from './staleness.ts';
import { standstill } from './standstill.ts';
import { grouped } from './table.ts';
import { fine } from './time.ts';

/** What clients did and what became of it: acknowledged, lost, stale, and what they felt. */
export function operations(timeline: Timeline, consistency: Consistency | null): string[] {
  if (!consistency)
    return [
      '<h2>Operations</h2><p class="dim">The run has no history of operations: what was acknowledged, lost or stale cannot be told.</p>',
    ];
  const { defects } = consistency;
  const missing =
    defects.length > 0
      ? `<p><b>Part of the history is missing:</b> ${escape(defects.slice(0, 3).join('; '))}${defects.length > 3 ? ` and ${defects.length - 3} more` : ''}. What is counted here is what can be read.</p>`
      : '';
  if (consistency.operations === 0) return [`<h2>Operations</h2>${missing}<p class="dim">No operation was recorded.</p>`];
  return [
    `<h2>Operations</h2><p class="dim">${escape(workloadText(timeline.run, consistency))}</p>${missing}`,
    figures(timeline, consistency),
    ...losses(timeline, consistency),
    splitBrain(timeline, consistency.splitBrain),
    anomalyTable(timeline, consistency),
    staleness(timeline, consistency),
    linearizability(consistency),
    ...service(timeline, consistency),
  ];
}

function workloadText({ workload }: RunInfo, { service: { operations: count } }: Consistency): string {
  const reads =
    workload.readShare > 0
      ? `${Math.round(workload.readShare * 100)} % reads, from ${workload.readsFrom === 'replica' ? 'replicas' : 'primaries'}`
      : 'no reads';
  return `Workload ${workload.kind}: ${workload.clients} clients (${workload.client}), ${reads}, WAIT ${workload.wait}. ${grouped(count.ok)} operations ok, ${grouped(count.failed)} failed, ${grouped(count.unknown)} of unknown outcome.`;
}

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly bad?: boolean;
}

/** What one looks for first. */
function figures({ run }: Timeline, consistency: Consistency): string {
  const total = totalOf(accountsOf(run, consistency));
  const { longestWindowMs } = ascribedLosses(consistency);
  const { stall, latencies } = consistency.service;
  const all = latencies.find(({ phase }) => phase === 'all')?.ok ?? null;
  const budgetMs = run.budget.lossWindowMs;
  const shown: readonly Figure[] = [
    { name: 'writes acknowledged', value: grouped(total.acknowledged), note: 'clients hold them for done' },
    {
      name: 'lost: RPO in writes',
      value: grouped(total.lost),
      note:
        total.lost === 0
          ? 'every one is accounted for'
          : total.outside > 0
            ? `${grouped(total.outside)} outside every documented window`
            : 'all in documented windows',
      bad: total.lost > 0,
    },
    {
      name: 'loss window: RPO in time',
      value: total.lost === 0 ? '–' : formatMs(longestWindowMs),
      note:
        budgetMs === undefined
          ? total.lost === 0
            ? 'nothing was lost'
            : 'from the first lost to the last'
          : `${formatMs(budgetMs)} allowed`,
      bad: budgetMs !== undefined && longestWindowMs > budgetMs,
    },
    {
      name: 'longest stall',
      value: stall ? formatMs(stall.ms) : '–',
      note: [stall ? `of all together, from ${formatMs(stall.fromMs)}` : 'nothing was tried', standstill(consistency.service, run.workload)]
        .filter(Boolean)
        .join('; '),
    },
    { name: 'latency p99', value: all ? fine(all.p99Ms) : '–', note: all ? `median ${fine(all.p50Ms)}` : 'nothing was done' },
  ];
  return `<dl class="figures">${shown
    .map(
      ({ name, value, note, bad }) =>
        `<div><dt>${escape(name)}</dt><dd${bad ? ' class="bad"' : ''}>${escape(value)}</dd><dd class="dim">${escape(note)}</dd></div>`,
    )
    .join('')}</dl>`;
}
