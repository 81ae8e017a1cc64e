import { formatMs } from '../base/duration.ts';
import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import type { Timeline } from '../timeline/timeline.ts';

/** What monitoring calls too much; a healthy node sends 2 x (1 + 2 x peers / node timeout in s) (cluster.c clusterCron). */
const usualLimit = 1_000;
/** A rate is counted over this long, so that a node that comes or goes is no rate; over less where a process lived for less. */
const overMs = 5_000;
const leastMs = 1_000;

interface Rate {
  readonly node: string;
  readonly way: 'sent' | 'received';
  readonly perSecond: number;
  readonly atMs: number;
  readonly witnesses: readonly [number, number];
}

/** The highest rate at which a node sent or received, by the counters of CLUSTER INFO; they start again with the process. */
function highest(timeline: Timeline, node: string, way: Rate['way']): Rate | null {
  const samples = timeline.seen('cluster-info', { node, fromMs: timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY });
  const counted = samples.flatMap(({ seq, atMs, value }) => {
    const count = value.counters[`cluster_stats_messages_${way}`];
    return count === undefined ? [] : [{ seq, atMs, count }];
  });
  let found: Rate | null = null;
  let from = 0;
  for (const [index, last] of counted.entries()) {
    if (last.count < (counted[index - 1]?.count ?? 0)) from = index;
    while ((counted[from + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= last.atMs - overMs) from++;
    const first = counted[from];
    const spanMs = last.atMs - (first?.atMs ?? last.atMs);
    const isLast = index + 1 === counted.length || (counted[index + 1]?.count ?? 0) < last.count;
    if (!first || spanMs < (isLast ? leastMs : overMs)) continue;
    const perSecond = ((last.count - first.count) * 1_000) / spanMs;
    if (!found || perSecond > found.perSecond) found = { node, way, perSecond, atMs: first.atMs, witnesses: [first.seq, last.seq] };
  }
  return found;
}

export default {
  name: 'gossip-rate-bounded',
  claim: 'No node sends or receives more messages of the bus a second than the budget allows, or than monitoring takes for normal.',
  check(timeline) {
    const { run } = timeline;
    const limit = run.budget.messagesPerSecond ?? usualLimit;
    const rates = run.nodes
      .flatMap(({ name }) => (['sent', 'received'] as const).flatMap((way) => highest(timeline, name, way) ?? []))
      .toSorted((a, b) => b.perSecond - a.perSecond);
    const say = ({ node, way, perSecond, atMs }: Rate): string =>
      `${node} ${way} ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} messages a second at ${formatMs(atMs)}`;
    const high = rates.filter(({ perSecond }) => perSecond > limit);
    if (high.length > 0)
      return violated(
        `${high.slice(0, 4).map(say).join('; ')}, where ${limit} are allowed`,
        high.flatMap(({ witnesses }) => witnesses),
      );
    const [worst] = rates;
    if (!worst) return unknown('no node was seen to count messages for a second');
    return heldByAll('CLUSTER INFO', [timeline.final('cluster-info')], `${say(worst)} at most, where ${limit} are allowed`);
  },
} satisfies Invariant;
