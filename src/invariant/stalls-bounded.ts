import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** A refusal of the engine, such as BUSY or LOADING, is an answer: it begins with its code. */
const isRefusal = (because: string): boolean => /^[A-Z]{2,} /.test(because);

interface Silence {
  readonly node: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly witnesses: readonly number[];
}

/**
 * The longest time between two answers of a node, or until the end. Where its process ended or started meanwhile, it was
 * dead and not silent. The same refusal again is recorded once a second only, so that a node that refuses everything
 * seems silent for up to that long.
 */
function longest(timeline: Timeline, node: string): Silence | null {
  const fromMs = timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY;
  const endMs = timeline.phaseAtMs('judge') ?? timeline.events.at(-1)?.atMs ?? 0;
  const deaths = timeline.events.filter(
    (event) => (event.type === 'container-exited' || (event.type === 'log-line' && event.kind === 'started')) && event.node === node,
  );
  let previous: { readonly atMs: number; readonly seq: number } | undefined;
  let found: Silence | null = null;
  const upTo = (atMs: number, seq?: number): void => {
    if (!previous) return;
    const from = previous;
    if (deaths.some((death) => death.atMs >= from.atMs && death.atMs <= atMs)) return;
    if (!found || atMs - from.atMs > found.toMs - found.fromMs)
      found = { node, fromMs: from.atMs, toMs: atMs, witnesses: seq === undefined ? [from.seq] : [from.seq, seq] };
  };
  for (const event of timeline.events) {
    if (event.atMs < fromMs || !('probe' in event) || event.probe !== 'ping' || event.node !== node) continue;
    if (event.type === 'probe-failed' && !isRefusal(event.because)) continue;
    upTo(event.atMs, event.seq);
    previous = event;
  }
  upTo(endMs);
  return found;
}

export default {
  name: 'stalls-bounded',
  claim: 'No node that lives gives no answer for longer than the budget allows.',
  suits: ({ budget }) => budget.stallMs !== undefined,
  check(timeline) {
    const { run } = timeline;
    const allowedMs = run.budget.stallMs ?? 0;
    const silences = run.nodes
      .flatMap(({ name }) => longest(timeline, name) ?? [])
      .toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs));
    const long = silences.filter(({ fromMs, toMs }) => toMs - fromMs > allowedMs);
    const say = ({ node, fromMs, toMs }: Silence): string =>
      `${node} gave no answer for ${formatMs(toMs - fromMs)} from ${formatMs(fromMs)} on`;
    if (long.length > 0)
      return violated(
        `${long.map(say).join('; ')}, where ${formatMs(allowedMs)} are allowed`,
        long.flatMap(({ witnesses }) => witnesses),
      );
    const [worst] = silences;
    if (timeline.phaseAtMs('verify') === undefined || !worst || silences.length < run.nodes.length)
      return unknown('not every node was asked to the end');
    return held(`${say(worst)}, which is the longest; ${formatMs(allowedMs)} are allowed`);
  },
} satisfies Invariant;
