import { formatMs } from '../base/duration.ts';
import type { Consistency } from '../consistency.ts';
import type { Gap, Service } from '../consistency/service.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { standstill } from './standstill.ts';
import { spread, spreadColumns } from './spread.ts';
import { dim, number, part, table } from './table.ts';

/** What applications felt: when errors began and ended, how long nothing was done, and how late answers were. */
export function service(timeline: Timeline, { service: felt }: Consistency): string[] {
  return [
    part('What applications felt', stuckText(felt, standstill(felt, timeline.run.workload)), disturbances(timeline, felt)),
    part('Errors', '', errors(timeline, felt)),
    part(
      'Latency',
      'From the moment at which an operation was meant to start, so that waiting for the ones before it counts. The last column has those without an answer too, up to when they were given up.',
      latency(felt),
    ),
  ];
}

const clientsText = (clients: readonly number[]): string =>
  `${clients.length === 1 ? 'Client' : `${clients.length} clients were`} ${clients.length === 1 ? `${clients[0]} was` : `(${clients.slice(0, 10).join(', ')}${clients.length > 10 ? ', …' : ''})`} stuck to the end: errors only, while others got on.`;

const stuckText = ({ stuck, neverAnswered }: Service, alone: string): string =>
  [
    alone === '' ? '' : `${alone.charAt(0).toUpperCase()}${alone.slice(1)}.`,
    stuck.length > 0 ? clientsText(stuck) : 'No client was stuck in the end.',
    neverAnswered > 0
      ? `${neverAnswered} operations were never answered, not even with an error.`
      : 'Every operation got an answer or an error.',
  ]
    .filter(Boolean)
    .join(' ');

const gapText = (gap: Gap | null): string => (gap ? formatMs(gap.ms) : '–');
const since = (gap: Gap | null): string => (gap ? `from ${formatMs(gap.fromMs)}` : '');

function disturbances(timeline: Timeline, { faults, stall, shards }: Service): string {
  const injected = timeline
    .of('fault-injecting')
    .map(({ fault, name, atMs }) => ({ name, atMs: timeline.of('fault-injected').find((event) => event.fault === fault)?.atMs ?? atMs }));
  const rows = [
    ...faults.flatMap(({ toFirstErrorMs, fromHealToLastErrorMs }, index) => {
      const { name = 'the fault', atMs = null } = injected[index] ?? {};
      return [
        [
          `${name}: first error`,
          toFirstErrorMs === null ? 'none' : formatMs(toFirstErrorMs),
          atMs === null ? '' : `after it took hold at ${formatMs(atMs)}`,
        ],
        [
          `${name}: last error`,
          fromHealToLastErrorMs === null ? 'none' : formatMs(fromHealToLastErrorMs),
          'after it was healed: how long clients took to recover',
        ],
      ];
    }),
    ['longest stall of all clients together', gapText(stall), since(stall)],
    ...shards.map(({ shard, stall: own, writeGapMs }) => [
      `longest stall in ${shard}'s slots`,
      gapText(own),
      `${since(own)}${writeGapMs === null ? '' : `${own ? '; ' : ''}without an acknowledged write for ${formatMs(writeGapMs)}`}`,
    ]),
  ];
  return table(['what', number('time'), dim('when')], rows);
}

function errors(timeline: Timeline, { reasons }: Service): string {
  const counted = timeline.of('errors-counted').at(-1);
  const seen = table(
    ['what clients met', number('failed'), number('unknown')],
    Object.entries(reasons)
      .toSorted(([, a], [, b]) => b.failed + b.unknown - a.failed - a.unknown)
      .map(([reason, { failed, unknown }]) => [reason, failed, unknown]),
  );
  const replies = Object.entries(counted?.replies ?? {}).toSorted(([, a], [, b]) => b - a);
  const told = counted
    ? table([`error replies that the engines counted`, number('count')], replies) ||
      `<p class="dim">${counted.replies === null ? 'This engine does not count its error replies.' : 'The engines counted no error reply.'}</p>`
    : '';
  return `<div class="pair">${seen || '<p class="dim">No operation failed, and none had an unknown outcome.</p>'}${told}</div>`;
}

function latency({ latencies, lateness }: Service): string {
  const rows = latencies
    .filter(({ all }) => all !== null)
    .map(({ phase, ok, all }) => [phase, ok?.count ?? 0, ...spread(ok), ...spread(all).slice(2, 3)]);
  const late = lateness ? [['sent late by', lateness.count, ...spread(lateness), '']] : [];
  return rows.length === 0 ? '' : table(['phase', number('operations'), ...spreadColumns, number('p99 with errors')], [...rows, ...late]);
}
