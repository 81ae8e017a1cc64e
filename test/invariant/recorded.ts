import type { Invariant } from '../../src/invariant.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import type { Exposure, Happening, RunInfo, TimelineEvent } from '../../src/timeline.ts';
import { healthy, run } from '../recorded.ts';

export type Answers = ReturnType<typeof healthy>;
/** Happening `atMs` into a film. */
export type Timed = { readonly atMs: number } & Happening;

/** What a film's phases begin at; it ends at 10 s. The node timeout is 2 s. */
export const startsAtMs = { form: 0, steady: 200, disturb: 1_000, settle: 8_000, verify: 9_000, judge: 10_000 } as const;

/**
 * A run in real proportions: every node answers every question each 100 ms for 10 s. `change` alters what a node answers
 * at a moment, or returns false where it answers nothing; `extra` adds events.
 */
export function film({
  change = () => undefined,
  extra = [],
  info = {},
  unreadable = 0,
}: {
  readonly change?: (answers: Answers, node: string, atMs: number) => void | false;
  readonly extra?: readonly Timed[];
  readonly info?: Partial<RunInfo>;
  readonly unreadable?: number;
} = {}): Timeline {
  const events: Timed[] = Object.entries(startsAtMs).map(([phase, atMs]) => ({ atMs, type: 'phase-entered', phase }) as Timed);
  for (let atMs = 10; atMs < startsAtMs.judge; atMs += 100) {
    for (const [index, { name }] of run.nodes.entries()) {
      const answers = healthy(name);
      const silent = change(answers, name, atMs) === false;
      for (const [probe, value] of Object.entries(answers)) {
        events.push({
          atMs: atMs + index,
          ...(silent
            ? { type: 'probe-failed', node: name, probe, because: 'Command timed out' }
            : { type: 'observed', node: name, probe, value }),
        } as Timed);
      }
    }
  }
  events.push(
    { atMs: 8_500, type: 'settled', afterMs: 400 },
    { atMs: 8_990, type: 'workload-stopped', ok: 100, failed: 0, unknown: 0, redirects: 0 },
    { atMs: 9_500, type: 'read-back', keys: 60, unreadable },
    { atMs: 9_900, type: 'cluster-checked', node: 'node-1', exitCode: 0, objections: [] },
    ...extra,
  );
  const ordered = events.toSorted((a, b) => a.atMs - b.atMs).map((event, seq) => ({ ...event, seq }) as TimelineEvent);
  return new Timeline({ ...run, ...info }, ordered);
}

/** A fault on one node, from `fromMs` to `toMs`, that was seen to bite. */
export const fault = (node: string, how: Exposure['how'] | null, fromMs: number, toMs: number): Timed[] => [
  { atMs: fromMs, type: 'fault-injecting', fault: 1, name: 'made-up', plan: {}, nodes: [node], exposes: how ? [{ node, how }] : [] },
  { atMs: fromMs + 50, type: 'fault-injected', fault: 1 },
  { atMs: fromMs + 100, type: 'fault-effective', fault: 1, evidence: ['seen'] },
  { atMs: toMs, type: 'fault-healed', fault: 1 },
];

/** Changes the line that a node's view has of `id`. */
export function line(answers: Answers, id: string, changes: Partial<Answers['topology'][number]>): void {
  answers.topology = answers.topology.map((peer) => (peer.id === id ? { ...peer, ...changes } : peer));
}

/** The same record, as if the run had ended then. */
export const endedAt = (whole: Timeline, endsAtMs: number): Timeline =>
  new Timeline(
    whole.run,
    whole.events.filter(({ atMs }) => atMs < endsAtMs),
  );

/** A run of which a property is asked, by what its clients do; undefined where an experiment must set a limit. */
export const suitable = ({ suits = () => true }: Invariant): RunInfo | undefined =>
  [run.workload.kind, 'counters', 'expiring', 'queue', 'transactions']
    .map((kind) => ({ ...run, workload: { ...run.workload, kind } }))
    .find((info) => suits(info));
