import { allInvariants } from '../src/invariants.ts';
import { type Judgement, judge } from '../src/judge.ts';
import type { Consistency } from '../src/consistency.ts';
import { examineHistory } from '../src/examine.ts';
import type { Operation } from '../src/timeline/history.ts';
import { Timeline } from '../src/timeline/timeline.ts';
import type { RunInfo } from '../src/timeline.ts';
import { made, scan } from './consistency/made.ts';
import { soundHistory } from './consistency/seen.ts';
import { fault, film, line } from './invariant/recorded.ts';
import { idOf, run } from './recorded.ts';

export interface Story {
  readonly timeline: Timeline;
  readonly consistency: Consistency;
  readonly judgement: Judgement;
}

/** What a record could carry to break out of a page or to steer a terminal. */
export const hostile = `"><script>document.title='owned'</script><img src=x onerror="document.title='owned'">&\u001B[2J`;

export async function judged(timeline: Timeline, operations: readonly Operation[] = sound): Promise<Story> {
  const consistency = examineHistory((see) => ({ names: scan(operations, see), defects: [] }), timeline);
  const asked = (await allInvariants()).filter(
    ({ name, suits }) =>
      (suits?.(timeline.run) ?? true) && (timeline.run.invariants.length === 0 || timeline.run.invariants.includes(name)),
  );
  return { timeline, consistency, judgement: judge(timeline, consistency, asked) };
}

const sound = made(soundHistory);

const log = (node: string, atMs: number, kind: 'fail' | 'election-won' | 'state-changed', text: string) =>
  ({ atMs, type: 'log-line', node, loggedAtMs: atMs, kind, text: `1:M 24 Nov 2026 16:03:56.530 * ${text}` }) as const;

/** A primary that answers is marked failed for two seconds: exactly the expected symptom, with hostile text in places. */
export function wounded(info: Partial<RunInfo> = {}): Promise<Story> {
  const timeline = film({
    info: {
      variant: 'wounded',
      hypothesis: `Nothing happens. ${hostile}`,
      expect: { 'live-primary-keeps-its-slots': 'violated' },
      ...info,
    },
    change: (answers, node, atMs) => {
      if (node !== 'node-1' && atMs > 5_000 && atMs < 7_000) line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
    },
    extra: [
      ...fault('node-1', 'isolated', 2_000, 7_000),
      log('node-6', 4_990, 'fail', `Marking node ${idOf('node-1')} as failing (quorum reached).`),
      log('node-5', 4_995, 'state-changed', `Cluster state changed: fail ${hostile}`),
      { atMs: 3_000, type: 'noted', text: hostile },
    ],
  });
  return judged(timeline, [...sound.filter(({ final }) => !final), ...operations, ...sound.filter(({ final }) => final)]);
}

/** Four hundred writes of values that were never the same twice, and what was there in the end. */
const operations: readonly Operation[] = [
  ...Array.from({ length: 400 }, (_, index): Operation => ({
    id: 100 + index,
    client: 1,
    verb: 'set',
    key: `key-${index % 20}`,
    slot: ((index % 20) * 997) % 16_384,
    value: 100 + index,
    values: [],
    node: 'node-2',
    dueAtMs: 300 + index * 20,
    sentAtMs: 300 + index * 20,
    doneAtMs: 302 + index * 20,
    outcome: index % 41 === 0 ? 'failed' : index % 93 === 0 ? 'unknown' : 'ok',
    reason: index % 41 === 0 ? 'clusterdown' : index % 93 === 0 ? hostile : null,
    final: false,
    replica: false,
  })),
  ...Array.from({ length: 20 }, (_, index): Operation => ({
    id: 1_000 + index,
    client: 65_535,
    verb: 'get',
    key: `key-${index}`,
    slot: (index * 997) % 16_384,
    value: 480 + index,
    values: [],
    node: 'node-2',
    dueAtMs: 9_400,
    sentAtMs: 9_400,
    doneAtMs: 9_401,
    outcome: 'ok',
    reason: null,
    final: true,
    replica: false,
  })),
];

/** What is left of the story when the runner was stopped, or its record cut off, after so many events. */
export async function truncated(count: number, aborted = false): Promise<Story> {
  const { timeline } = await wounded();
  const events = timeline.events.slice(0, count);
  const atMs = (events.at(-1)?.atMs ?? 0) + 1;
  return judged(
    new Timeline(timeline.run, aborted ? [...events, { seq: count, atMs, type: 'aborted', because: 'stopped by SIGINT' }] : events),
    operations.filter(({ doneAtMs }) => doneAtMs < atMs),
  );
}

/** A run that ended before it had a single node. */
export const stillborn = (): Promise<Story> =>
  judged(
    new Timeline({ ...run, nodes: [], settings: {} }, [
      { seq: 0, atMs: 1, type: 'phase-entered', phase: 'form' },
      { seq: 1, atMs: 5, type: 'harness-failed', because: 'no image for the engine' },
    ]),
  );
