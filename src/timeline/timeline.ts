import { readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';
import type { EventOf, Happening, Phase, RunInfo, TimelineEvent } from '../timeline.ts';
import { type EventIndex, indexOf } from './event-index.ts';
import type { Observations, ProbeName } from './observation.ts';

/** What a node said, and when: `seq` is a witness. It is the event itself. */
export interface Seen<P extends ProbeName> {
  readonly seq: number;
  readonly atMs: number;
  readonly node: string;
  readonly value: Observations[P];
}

/**
 * What is made of the answers to one probe, one after the other. A timeline keeps the state, so that each look takes up only
 * what was answered since the last one.
 */
export interface Fold<P extends ProbeName, State> {
  readonly probe: P;
  readonly start: () => State;
  readonly step: (state: State, seen: Seen<P>, timeline: Timeline) => void;
}

/**
 * The record of one run, for reading. Built from files or from events; while these grow, as in a run that goes on, every
 * answer is of all that was recorded by then, and costs no more than what came since the last one.
 */
export class Timeline {
  readonly events: readonly TimelineEvent[];
  readonly #index: EventIndex;
  readonly #folded = new Map<unknown, { readonly state: unknown; known: number }>();
  readonly #formed: RunInfo;
  #run: RunInfo;
  #renames = 0;

  constructor(run: RunInfo, events: readonly TimelineEvent[]) {
    this.events = events;
    this.#index = indexOf(events);
    this.#formed = run;
    this.#run = run;
  }

  /** With its nodes under the ids that they have by now. */
  get run(): RunInfo {
    const renames = this.#index.of('member-renamed').length;
    if (renames > this.#renames) {
      this.#run = withRenamed(this.#formed, this.events);
      this.#renames = renames;
    }
    return this.#run;
  }

  of<T extends Happening['type']>(type: T): EventOf<T>[] {
    return this.#index.of(type).slice();
  }

  /** When a phase began, or undefined when the run never got there. */
  phaseAtMs(phase: Phase): number | undefined {
    return this.#index.of('phase-entered').find((event) => event.phase === phase)?.atMs;
  }

  /** For how long of a span the harness itself stood still. */
  stoodStillMs(fromMs: number, toMs: number): number {
    return this.#index
      .of('harness-stalled')
      .map(({ atMs, forMs }) => Math.min(toMs, atMs) - Math.max(fromMs, atMs - forMs))
      .reduce((sum, ms) => sum + Math.max(0, ms), 0);
  }

  /** Every answer to one probe in [fromMs, toMs], oldest first, of one node or of all. */
  seen<P extends ProbeName>(
    probe: P,
    { node, fromMs = 0, toMs = Number.POSITIVE_INFINITY }: { node?: string; fromMs?: number; toMs?: number } = {},
  ): Seen<P>[] {
    return (this.#index.answers(probe, node || undefined)?.between(fromMs, toMs) ?? []) as unknown as Seen<P>[];
  }

  /** What a node answered last to one probe, in [fromMs, toMs]; undefined where it never did. */
  newest<P extends ProbeName>(
    probe: P,
    node: string,
    { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: { fromMs?: number; toMs?: number } = {},
  ): Observations[P] | undefined {
    return this.#index.answers(probe, node)?.lastIn(fromMs, toMs)?.value as Observations[P] | undefined;
  }

  /** What each node answered last to one probe, but for those that gave no answer when they were asked last. */
  latest<P extends ProbeName>(probe: P): Map<string, Observations[P]> {
    return new Map([...this.#index.latest(probe)].map(([node, { value }]) => [node, value as Observations[P]]));
  }

  /** The last answer of each node of the cluster within the verify phase; null for a node that gave none. */
  final<P extends ProbeName>(probe: P): Map<string, Seen<P> | null> {
    const fromMs = this.phaseAtMs('verify') ?? Number.POSITIVE_INFINITY;
    const last = (node: string): Seen<P> | null =>
      (this.#index.answers(probe, node)?.lastIn(fromMs, Number.POSITIVE_INFINITY) ?? null) as unknown as Seen<P> | null;
    return new Map(this.run.nodes.map(({ name }) => [name, last(name)]));
  }

  /** What a fold has made of all answers so far. The state is the timeline's own: it is for reading. */
  folded<P extends ProbeName, State>(fold: Fold<P, State>): State {
    const answers = (this.#index.answers(fold.probe)?.all ?? []) as unknown as readonly Seen<P>[];
    let folded = this.#folded.get(fold) as { readonly state: State; known: number } | undefined;
    if (!folded) this.#folded.set(fold, (folded = { state: fold.start(), known: 0 }));
    for (; folded.known < answers.length; folded.known++) fold.step(folded.state, answers[folded.known] as Seen<P>, this);
    return folded.state;
  }
}

interface Member {
  readonly name: string;
  readonly id: string;
  readonly formerIds?: readonly string[];
}

/** The same with its nodes under the ids that they have after these events; itself where none was renamed. */
export function withRenamed<T extends { readonly nodes: readonly Member[] }>(whole: T, events: readonly TimelineEvent[]): T {
  const renamed = indexOf(events).of('member-renamed');
  if (renamed.length === 0) return whole;
  const nodes = whole.nodes.map((node) => {
    const ids = renamed.filter((event) => event.node === node.name).map(({ id }) => id);
    const id = ids.at(-1);
    return id === undefined ? node : { ...node, id, formerIds: [node.id, ...ids.slice(0, -1)] };
  });
  return { ...whole, nodes };
}

export interface Reading {
  readonly timeline: Timeline;
  /** What could not be read, a sentence each; empty when the record is whole. */
  readonly defects: readonly string[];
}

/** Reads results/…: whatever is whole is used, and what is not is said. Throws a UsageError where there is no record of a run. */
export function readTimeline(folder: string): Reading {
  const run = readRunInfo(path.join(folder, 'run.json'));
  let text: string;
  try {
    text = readFileSync(path.join(folder, 'timeline.jsonl'), 'utf8');
  } catch (error) {
    throw new UsageError(`expected a timeline.jsonl in ${folder}: ${messageOf(error)}`);
  }
  const { events, defects } = parseEvents(text);
  return { timeline: new Timeline(run, events), defects };
}

function readRunInfo(file: string): RunInfo {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`expected the record of a run, but ${file} cannot be read (${messageOf(error)}); name a folder below results/`);
  }
  const run = value as RunInfo | null;
  const whole =
    run?.format === 2 &&
    Array.isArray(run.nodes) &&
    run.nodes.every((node) => typeof node?.name === 'string' && Array.isArray(node.slots)) &&
    Array.isArray(run.invariants) &&
    [run.engine, run.settings, run.expect, run.workload, run.budget].every((part) => typeof part === 'object' && part !== null);
  if (!whole) {
    throw new UsageError(`${file} is not a run of Slotquake in format 2; name a folder below results/ that this version wrote`);
  }
  return run;
}

/** Parses timeline.jsonl. A last line that was cut off, foreign lines and gaps in `seq` are left out and reported. */
export function parseEvents(text: string): { readonly events: TimelineEvent[]; readonly defects: string[] } {
  const events: TimelineEvent[] = [];
  const defects: string[] = [];
  const lines = text.split('\n');
  const last = lines.pop();
  lines.forEach((line, index) => {
    const event = parseEvent(line);
    if (!event) defects.push(`timeline.jsonl line ${index + 1} is not an event and was left out`);
    else if (event.seq <= (events.at(-1)?.seq ?? -1))
      defects.push(`timeline.jsonl line ${index + 1} repeats or precedes event ${event.seq} and was left out`);
    else {
      const next = (events.at(-1)?.seq ?? -1) + 1;
      if (event.seq > next) defects.push(`timeline.jsonl lacks events ${next} to ${event.seq - 1}`);
      events.push(event);
    }
  });
  if (last) defects.push('timeline.jsonl ends in the middle of a line; that line was left out');
  return { events, defects };
}

function parseEvent(line: string): TimelineEvent | null {
  try {
    const value = JSON.parse(line) as TimelineEvent | null;
    return value !== null &&
      typeof value === 'object' &&
      Number.isInteger(value.seq) &&
      Number.isFinite(value.atMs) &&
      typeof value.type === 'string'
      ? value
      : null;
  } catch {
    return null;
  }
}
