import { formatMs } from '../base/duration.ts';
import type { Consistency } from '../consistency.ts';
import type { LossCounts, Losses, LossWindow, LostWrite } from '../consistency/losses.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { allowanceMs } from '../timeline/theory.ts';
import { type ExposedWindow, excusingWindows, exposedWindows } from '../timeline/windows.ts';
import { type Account, accountsOf, ascribedLosses } from './accounts.ts';
import { range } from './range.ts';
import { dim, grouped, markup, number, part, table } from './table.ts';
import { moment } from './time.ts';

const shownWrites = 100;

/** What was acknowledged and what of it is gone: by kind of value, by node, by shard, beside what the engine documents. */
export function losses(timeline: Timeline, consistency: Consistency): string[] {
  const accounts = accountsOf(timeline.run, consistency);
  const ascribed = ascribedLosses(consistency);
  const loose = accounts.reduce((sum, { lost }) => sum + lost, 0) - ascribed.lost;
  return [
    part(
      'What became of what was acknowledged',
      'Kept: there in the end, delivered, or rightly replaced by a later write. Recovered: clients never heard, and it is there.',
      byKind(accounts),
    ),
    ...(ascribed.lost > 0 || consistency.expiry.lost.total > 0
      ? [
          part(
            'Losses beside what the engine documents',
            exposedWindows(timeline).length > 0
              ? `Documented is the engine's own bound for these settings, from the moment at which the fault took hold; up to ${formatMs(allowanceMs)} more count as inside, for measuring.`
              : 'No fault exposed a node, and then the engine documents no loss.',
            byExposure(timeline, ascribed),
          ),
        ]
      : []),
    part(
      'By node and by shard',
      `Who acknowledged, and whose slots they were at the start.${loose > 0 ? ` ${loose} more losses cannot be ascribed to one node.` : ''}`,
      ascribed.acknowledged === 0 ? '' : `<div class="pair">${byNode(ascribed)}${byShard(timeline, ascribed)}</div>`,
    ),
    part(
      'Acknowledged writes that are gone',
      shownText(ascribed, consistency),
      lostWrites([...consistency.expiry.lost.examples, ...ascribed.writes].toSorted((a, b) => Number(b.outside) - Number(a.outside))),
    ),
  ];
}

function byKind(accounts: readonly Account[]): string {
  const budgeted = accounts.some(({ allowed }) => allowed !== undefined);
  const columns = [
    'kind of value',
    number('acknowledged'),
    number('kept'),
    number('lost'),
    number('outside'),
    ...(budgeted ? [number('allowed')] : []),
    number('undecided'),
    number('unreadable'),
    number('unknown'),
    number('recovered'),
  ];
  return table(
    columns,
    accounts.map(({ kind, acknowledged, kept, lost, outside, allowed, undecided, unreadable, unknown, recovered }) => [
      kind,
      acknowledged,
      kept ?? '–',
      marked(lost),
      marked(outside),
      ...(budgeted ? [allowed ?? '–'] : []),
      undecided ?? '–',
      unreadable ?? '–',
      unknown ?? '–',
      recovered ?? '–',
    ]),
  );
}

/** A number that should be zero stands out where it is not. */
const marked = (count: number) => (count === 0 ? count : markup(`<b class="bad">${grouped(count)}</b>`));

const exposures: Readonly<Record<ExposedWindow['how'], string>> = {
  isolated: 'cut off: it goes on acknowledging alone',
  frozen: 'frozen: it answers what is queued when it thaws',
  crashed: 'crashed: what its replicas had not yet received is gone',
  emptied: 'emptied: it came back without its data',
};

/** A window of losses belongs to the exposures of its node that it touches. */
const touches = (window: LossWindow, { node, fromMs, toMs }: ExposedWindow): boolean =>
  window.node === node && window.fromMs <= toMs && window.toMs >= fromMs;

const lostIn = (windows: readonly LossWindow[]): number => windows.reduce((sum, { lost }) => sum + lost, 0);
const longestOf = (windows: readonly LossWindow[]): number =>
  windows.reduce((longest, { fromMs, toMs }) => Math.max(longest, toMs - fromMs), 0);

function byExposure(timeline: Timeline, { windows }: Losses): string {
  const exposed = exposedWindows(timeline);
  const excusing = excusingWindows(timeline);
  const rows = exposed.map((exposure) => {
    const { node, how, injectedAtMs, boundMs } = exposure;
    const own = windows.filter((window) => touches(window, exposure));
    const lastMs = own.length === 0 ? null : Math.max(...own.map(({ toMs }) => toMs)) - injectedAtMs;
    const excuses = excusing.some((window) => window.node === node && window.fromMs === exposure.fromMs && window.how === how);
    const bounded = excuses && Number.isFinite(boundMs);
    return [
      node,
      exposures[how],
      marked(lostIn(own)),
      lastMs === null ? '–' : formatMs(lastMs),
      lastMs === null ? '–' : formatMs(longestOf(own)),
      bounded
        ? `up to ${formatMs(boundMs)}`
        : excuses
          ? 'until it is healed, which was not recorded'
          : 'nothing: WAIT has it on every replica',
      bounded && lastMs !== null ? markup(range(lastMs, [0, boundMs])) : null,
    ];
  });
  const bare = Map.groupBy(
    windows.filter((window) => !exposed.some((exposure) => touches(window, exposure))),
    ({ node }) => node,
  );
  return table(
    ['node', 'how', number('lost'), number('last, after the fault'), number('first to last'), 'documented', dim('')],
    [
      ...rows,
      ...[...bare].map(([node, own]) => [
        node ?? 'not told',
        'no fault exposed it then',
        marked(lostIn(own)),
        '–',
        formatMs(longestOf(own)),
        'nothing',
        null,
      ]),
    ],
  );
}

const counted = (name: string, counts: LossCounts): (string | number | { html: string })[] => [
  name,
  counts.acknowledged,
  marked(counts.lost),
  marked(counts.outside),
];

const byNode = ({ nodes }: Losses): string =>
  table(
    ['acknowledged by', number('acknowledged'), number('lost'), number('outside')],
    nodes.map((counts) => counted(counts.node ?? 'not told', counts)),
  );

function byShard({ run }: Timeline, { slots }: Losses): string {
  const sum = (counts: readonly LossCounts[]): LossCounts => ({
    acknowledged: counts.reduce((total, { acknowledged }) => total + acknowledged, 0),
    lost: counts.reduce((total, { lost }) => total + lost, 0),
    outside: counts.reduce((total, { outside }) => total + outside, 0),
  });
  const shardOf = (slot: number): string | undefined =>
    run.nodes.find((node) => node.slots.some(([first, last]) => first <= slot && slot <= last))?.name;
  const byName = Map.groupBy(slots, ({ slot }) => shardOf(slot));
  const rows = run.nodes
    .filter((node) => byName.has(node.name))
    .map((node) =>
      counted(
        `${node.name}: ${node.slots.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(', ')}`,
        sum(byName.get(node.name) ?? []),
      ),
    );
  const rest = byName.get(undefined);
  return table(
    ['slots', number('acknowledged'), number('lost'), number('outside')],
    [...rows, ...(rest ? [counted('nobody at the start', sum(rest))] : [])],
  );
}

function shownText(ascribed: Losses, { expiry }: Consistency): string {
  const kept = ascribed.writes.length + expiry.lost.examples.length;
  const shown = Math.min(shownWrites, kept);
  return `${shown} of ${ascribed.lost + expiry.lost.total}, those outside every documented window first${shown < kept ? '; consistency.json has more' : ''}.`;
}

const lostWrites = (writes: readonly LostWrite[]): string =>
  table(
    ['key', number('written'), 'found', 'acknowledged by', number('at'), number('client'), dim('documented')],
    writes
      .slice(0, shownWrites)
      .map(({ id, key, found, node, acknowledgedAtMs, client, outside }) => [
        key,
        String(id),
        found,
        node ?? 'not told',
        moment(acknowledgedAtMs),
        client,
        outside ? markup('<b class="bad">outside</b>') : 'inside',
      ]),
    'tall',
  );
