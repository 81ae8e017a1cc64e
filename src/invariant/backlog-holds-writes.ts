import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import type { Seen } from '../timeline/timeline.ts';

/** Rates are taken over at least this long, since an offset jumps with each pipeline. */
const overMs = 1_000;

/** How fast one life of a primary wrote, and for how long its smallest backlog holds that. */
interface Cover {
  readonly node: string;
  readonly bytesPerSecond: number;
  readonly sizeBytes: number;
  readonly seqs: readonly number[];
}

function coverOf(node: string, series: readonly Seen<'replication'>[]): Cover[] {
  const [first, last] = [series[0], series.at(-1)];
  if (!first || !last || last.atMs - first.atMs < overMs) return [];
  const sizes = series.flatMap(({ value }) => value.backlogSizeBytes ?? []);
  if (sizes.length === 0) return [];
  const bytesPerSecond = ((last.value.offset - first.value.offset) / (last.atMs - first.atMs)) * 1_000;
  return [{ node, bytesPerSecond, sizeBytes: Math.min(...sizes), seqs: [first.seq, last.seq] }];
}

export default {
  name: 'backlog-holds-writes',
  claim: 'The backlog of every primary holds as many seconds of the writes that it takes as the budget says.',
  suits: ({ budget }) => budget.backlogSeconds !== undefined,
  check(timeline) {
    const limitMs = (timeline.run.budget.backlogSeconds ?? 0) * 1_000;
    const [fromMs, toMs] = [timeline.phaseAtMs('steady'), timeline.phaseAtMs('settle')];
    if (fromMs === undefined || toMs === undefined) return unknown('the run was never steady, or ended before it was to settle');
    const covers = timeline.run.nodes.flatMap(({ name }) => {
      const own = timeline.seen('replication', { node: name, fromMs }).filter(({ atMs, value }) => atMs < toMs && value.role === 'primary');
      return [...Map.groupBy(own, ({ value }) => `${value.runId} ${value.replid}`).values()].flatMap((life) => coverOf(name, life));
    });
    if (covers.length === 0) return unknown(`no primary was seen for ${formatMs(overMs)} with the size of its backlog`);
    const holdsMs = ({ sizeBytes, bytesPerSecond }: Cover): number =>
      bytesPerSecond <= 0 ? Number.POSITIVE_INFINITY : (sizeBytes / bytesPerSecond) * 1_000;
    const worst = covers.toSorted((a, b) => holdsMs(a) - holdsMs(b))[0] as Cover;
    if (worst.bytesPerSecond <= 0) return held('nobody wrote anything');
    const said = `the backlog of ${worst.node} holds ${formatMs(holdsMs(worst))} of its writes (${worst.sizeBytes} bytes, ${Math.round(worst.bytesPerSecond)} a second), ${formatMs(limitMs)} are asked for`;
    return holdsMs(worst) < limitMs ? violated(said, worst.seqs) : held(said);
  },
} satisfies Invariant;
