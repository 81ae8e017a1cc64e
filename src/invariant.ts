import { formatMs } from './base/duration.ts';
import type { Consistency, Tally } from './consistency.ts';
import type { Budget, RunInfo } from './timeline.ts';
import { silent } from './timeline/claims.ts';
import { type ShardGap, storyOf } from './timeline/gaps.ts';
import type { Timeline } from './timeline/timeline.ts';

/** The answer to one question about a run. A check that saw too little says `unknown`, never `held`. */
export type Finding =
  | { readonly outcome: 'held'; readonly because: string }
  | { readonly outcome: 'violated'; readonly because: string; readonly witnesses: readonly number[] }
  | { readonly outcome: 'unknown'; readonly because: string };

/** A property that a run must have: a pure function of the record. Witnesses are the `seq` of the events that prove a violation. */
export interface Invariant {
  readonly name: string;
  /** One sentence: what must be true. */
  readonly claim: string;
  /** Whether it can be asked of such a run at all; left out, it always can. Only asked where an experiment names no invariants. */
  readonly suits?: (run: RunInfo) => boolean;
  /** `consistency` is what the operations of clients showed; null where there is no history. */
  check(timeline: Timeline, consistency: Consistency | null): Finding;
}

export const held = (because: string): Finding => ({ outcome: 'held', because });
export const violated = (because: string, witnesses: readonly number[]): Finding => ({ outcome: 'violated', because, witnesses });
export const unknown = (because: string): Finding => ({ outcome: 'unknown', because });

/**
 * That something held, where every node was seen to the end: one that did not answer could still object. What was seen to be wrong is
 * wrong whoever is silent, and must be looked for first. `what` is the name of the answers, `finals` are maps of `Timeline.final`.
 */
export function heldByAll(what: string, finals: readonly ReadonlyMap<string, unknown>[], because: string): Finding {
  const quiet = silent(...finals);
  return quiet.length > 0 ? unknown(`no ${what} of ${quiet.join(', ')} in the verify phase`) : held(because);
}

const named = 5;

/**
 * Anomalies against the budget of the experiment. A number there allows so many, whatever explains them; without one,
 * those are allowed that a documented window explains. Either way all are counted, and some are named.
 */
export function judged<Example>(
  timeline: Timeline,
  item: keyof Budget,
  found: Tally<Example>,
  { none, many, one }: { readonly none: string; readonly many: string; readonly one: (example: Example) => string },
): Finding {
  const budget = timeline.run.budget[item];
  const counted = budget === undefined ? found.outside : found.total;
  const examples = found.examples.slice(0, named).map(one).join('; ') + (found.total > named ? '; …' : '');
  const list = examples === '' ? '' : `: ${examples}`;
  const said = `${found.total} ${many}`;
  if (counted > (budget ?? 0))
    return violated(
      budget === undefined
        ? `${said}, ${found.outside} of them outside every documented window${list}`
        : `${said}, where ${budget} are allowed${list}`,
      witnessesOf(timeline),
    );
  if (found.total === 0) return held(none);
  return held(`${said}, ${budget === undefined ? 'all within a documented window' : `where ${budget} are allowed`}${list}`);
}

/** What operations show is seen by clients; the events that go with it are the end of the workload and the read-back. */
export const witnessesOf = (timeline: Timeline): number[] =>
  [timeline.of('workload-stopped').at(-1)?.seq, timeline.of('read-back').at(-1)?.seq].filter((seq) => seq !== undefined);

/** Whether clients read what has versions: what a queue holds goes away, and counters are judged by their sums. */
export const readsVersions = ({ workload }: Pick<RunInfo, 'workload'>): boolean =>
  workload.readShare > 0 && !['queue', 'counters'].includes(workload.kind);

/** The answer to a question about reads; `count` is how many were answered. */
export const withReads = (consistency: Consistency | null, ask: (reads: Consistency['reads'], count: number) => Finding): Finding =>
  withHistory(consistency, ({ reads }) => {
    const count = reads.reads.primaries + reads.reads.replicas;
    return count === 0 ? unknown('no read was ever answered') : ask(reads, count);
  });

/**
 * What gaps that are too long say: nothing, where each would have been short enough had the harness not stood still in it.
 * Never that the property held: the cluster may have stood still as well.
 */
export function gapsTooLong(timeline: Timeline, gaps: readonly ShardGap[], limitMs: number, because: string): Finding {
  const stoodStillMs = ({ gap }: ShardGap): number => (gap ? timeline.stoodStillMs(gap.fromMs, gap.fromMs + gap.ms) : 0);
  const excused = gaps.every((each) => each.gap !== null && each.gap.ms - stoodStillMs(each) <= limitMs);
  if (!excused) return violated(because, witnessesOf(timeline));
  const longest = formatMs(Math.max(...gaps.map(stoodStillMs)));
  return unknown(`${because}; but the harness itself stood still for ${longest} of it, so try again on a machine that has less to do`);
}

/** Gaps against a limit; `did` completes "the slots of a shard", and `does` "every shard … at least every". */
export function gapsBounded(
  timeline: Timeline,
  gaps: readonly ShardGap[],
  limitMs: number,
  { did, never, does }: { readonly did: string; readonly never: string; readonly does: string },
): Finding {
  const allowed = `where ${formatMs(limitMs)} are allowed`;
  const long = gaps.filter(({ gap }) => gap === null || gap.ms > limitMs);
  const said = (each: ShardGap): string =>
    each.gap === null
      ? `${each.shard}'s slots ${never}`
      : `${each.shard}'s slots ${did} for ${formatMs(each.gap.ms)} (${storyOf(timeline, each)})`;
  if (long.length > 0) return gapsTooLong(timeline, long, limitMs, `${long.map(said).join('; ')}, ${allowed}`);
  return held(`every shard ${does} at least every ${formatMs(Math.max(...gaps.map(({ gap }) => gap?.ms ?? 0)))}, ${allowed}`);
}

/** The answer to every question about operations where they cannot be told. */
export function withHistory(consistency: Consistency | null, ask: (consistency: Consistency) => Finding): Finding {
  if (!consistency) return unknown('the run has no history of operations');
  const answer = ask(consistency);
  // What was found is proven by what can be read; that nothing was found is not.
  if (answer.outcome === 'held' && consistency.defects.length > 0)
    return unknown(`part of the history is missing: ${consistency.defects[0]}`);
  return answer;
}
