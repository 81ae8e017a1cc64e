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
import { healthy, idOf, run } from './recorded.ts';

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
      budget: { gapMs: 60_000, readGapMs: 60_000 },
      ...info,
    },
    change: (answers, node, atMs) => {
      if (node !== 'node-1' && atMs > 5_000 && atMs < 6_800) line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
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

/**
 * A primary is cut off with its clients, and its replica takes over: everything that can be lost, stale, torn or told twice is,
 * once or a few times, and a write is gone that no window explains. Keys have hostile names.
 */
export function parted(info: Partial<RunInfo> = {}): Promise<Story> {
  const timeline = film({
    info: {
      variant: 'parted',
      workload: { ...run.workload, kind: 'mixed', clients: 4 },
      budget: { lossWindowMs: 100, staleReads: 1_000, splitBrainMs: 50, stalenessMs: 250 },
      ...info,
    },
    change: (answers, node, atMs) => {
      const [old, heir] = [idOf('node-1'), idOf('node-4')];
      const own = (name: string): string[] => (name === node ? ['myself'] : []);
      const replaced = node !== 'node-1' || atMs > 5_600;
      if (atMs <= 4_300 || !replaced) return;
      const counters = { ...answers['cluster-info'].counters, cluster_current_epoch: 9 };
      answers['cluster-info'] = { ...answers['cluster-info'], counters };
      line(answers, heir, { flags: [...own('node-4'), 'master'], primary: null, slots: [[0, 5_460]], configEpoch: 9 });
      line(answers, old, { flags: [...own('node-1'), 'slave'], primary: heir, slots: [], configEpoch: 9 });
      if (node === 'node-1') answers.replication = healthy('node-4').replication;
      if (node === 'node-4') answers.replication = healthy('node-1').replication;
      if (node === 'node-1') answers.replication = { ...answers.replication, primaryAddress: '10.0.0.4:6379' };
    },
    extra: [
      ...fault('node-1', 'isolated', 2_000, 5_500),
      { atMs: 8_900, type: 'errors-counted', replies: { CLUSTERDOWN: 3, [hostile]: 1 } },
    ],
  });
  const happened = made(partedHistory).map((operation) => ({
    ...operation,
    key: operation.key.replace(/^[bfw]/, (letter) => `${letter}${hostile}`),
    reason: operation.reason === 'hostile' ? hostile : operation.reason,
  }));
  return judged(
    timeline,
    [...sound.filter(({ final }) => !final), ...happened, ...sound.filter(({ final }) => final)].toSorted(
      (a, b) => Number(a.final) - Number(b.final),
    ),
  );
}

const partedHistory = `
1500-1501 c1 node-2 set r 20
2300-2301 c1 node-1 add f 21
2400-2402 c1 node-1 add f 22
2500-2501 c2 node-1 set b 23
2600-2601 c4 node-3 set-pair m 40
2602-2603 c4 node-3 set-pair m 41
2610-2611 c4 node-3 get-pair m 40 41
2700-2701 c4 node-3 set-expiring a 42 100
4500-4501 c2 node-4 set b 24
4600-4601 c3 node-4 get b 24
4700-4701 c3 node-1 get b 23
4800-4801 c1 node-1 set b 25
4810-4811 c1 node-1 increment j 1 #26
4820-4821 c1 node-4 increment j 1 #27
4830-4831 c1 node-1 push w 28
4900-4901 c4 node-5 get b 23 replica
5000-5500 c4 node-1 set b 29 unknown:hostile
5001-5002 c2 node-3 get-expiring a 42
final node-4 get b 24
final node-4 members f
final node-4 count j 1
final node-4 range w
final node-4 range w:taken
final node-3 get-pair m 41 41
final node-3 get-expiring a nothing
`;

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

let whole: Promise<Story> | undefined;

/** What is left of the story when the runner was stopped, or its record cut off, after so many events. */
export async function truncated(count: number, aborted = false): Promise<Story> {
  const { timeline } = await (whole ??= wounded());
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
