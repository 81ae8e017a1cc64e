import { formatMs } from '../base/duration.ts';
import type { AcknowledgedOverlap, ClaimedOverlap, SplitBrain } from '../consistency/split-brain.ts';
import { allowanceMs, overlapBoundMs } from '../timeline/theory.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { dim, type Markup, markup, number, part, table } from './table.ts';
import { moment } from './time.ts';

/** Two primaries of the same slots: what clients saw beside what the nodes said of themselves. */
export function splitBrain(timeline: Timeline, { clients, nodes }: SplitBrain): string {
  const { run } = timeline;
  if (clients.overlaps.length + nodes.overlaps.length === 0)
    return part(
      'Split brain',
      `No two nodes acknowledged writes for the same slot in turn, and none claimed another's slots${undecidedText(clients.undecided)}.`,
      ' ',
    );
  const exposures = timeline.of('fault-injecting').flatMap(({ exposes }) => exposes);
  const budgetMs = run.budget.splitBrainMs;
  const spans = [...clients.overlaps, ...nodes.overlaps];
  const fromMs = Math.min(...spans.map((span) => span.fromMs));
  const toMs = Math.max(...spans.map((span) => span.toMs));
  const bar = (span: { readonly fromMs: number; readonly toMs: number }): Markup =>
    strip(span.fromMs - fromMs, span.toMs - fromMs, toMs - fromMs);
  const columns = ['nodes', number('from'), number('to'), number('for'), number('slots'), dim('seen'), dim('')];
  return part(
    'Split brain',
    `By clients' evidence ${formatMs(clients.totalMs)}${budgetMs === undefined ? '' : `, where ${formatMs(budgetMs)} are allowed`}; by the nodes' own words ${formatMs(nodes.totalMs)}; the engine's code allows ${formatMs(overlapBoundMs(run, exposures))}, and measuring ${formatMs(allowanceMs)} more${undecidedText(clients.undecided)}.`,
    table(columns, [
      ...clients.overlaps.map((overlap: AcknowledgedOverlap) => [
        `${overlap.a} and ${overlap.b}`,
        moment(overlap.fromMs),
        moment(overlap.toMs),
        formatMs(overlap.toMs - overlap.fromMs),
        overlap.slots.length,
        `by clients: ${overlap.acknowledgements.a} and ${overlap.acknowledgements.b} writes acknowledged`,
        bar(overlap),
      ]),
      ...nodes.overlaps.map((overlap: ClaimedOverlap) => [
        `${overlap.a} and ${overlap.b}`,
        moment(overlap.fromMs),
        moment(overlap.toMs),
        formatMs(overlap.toMs - overlap.fromMs),
        overlap.slots,
        'by their own words',
        bar(overlap),
      ]),
    ]),
  );
}

const undecidedText = (count: number): string =>
  count === 0 ? '' : `; of ${count} acknowledgements it cannot be told whether the node had got the slot back`;

/** All spans on one scale, from the beginning of the first to the end of the last. */
function strip(fromMs: number, toMs: number, wholeMs: number): Markup {
  const scale = 160 / Math.max(1, wholeMs);
  return markup(
    `<svg width="160" height="16" aria-hidden="true"><rect y="7" width="160" height="2" class="band"/><rect x="${(fromMs * scale).toFixed(1)}" y="3" width="${Math.max(2, (toMs - fromMs) * scale).toFixed(1)}" height="10" class="fail"/></svg>`,
  );
}
