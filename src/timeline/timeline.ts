import { readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';
import type { EventOf, Happening, Phase, RunInfo, TimelineEvent } from '../timeline.ts';
import type { Observations, ProbeName } from './observation.ts';

/** What a node said, and when: `seq` is a witness. */
export interface Seen<P extends ProbeName> {
  readonly seq: number;
  readonly atMs: number;
  readonly node: string;
  readonly value: Observations[P];
}

/** The whole record of one run, for reading. Built from files or, in tests and while a run goes on, from events. */
export class Timeline {
  readonly run: RunInfo;
  readonly events: readonly TimelineEvent[];

  constructor(run: RunInfo, events: readonly TimelineEvent[]) {
    this.run = withRenamed(run, events);
    this.events = events;
  }

  of<T extends Happening['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event) => event.type === type) as EventOf<T>[];
  }

  /** When a phase began, or undefined when the run never got there. */
  phaseAtMs(phase: Phase): number | undefined {
    return this.of('phase-entered').find((event) => event.phase === phase)?.atMs;
  }

  /** For how long of a span the harness itself stood still. */
  stoodStillMs(fromMs: number, toMs: number): number {
    return this.of('harness-stalled')
      .map(({ atMs, forMs }) => Math.min(toMs, atMs) - Math.max(fromMs, atMs - forMs))
      .reduce((sum, ms) => sum + Math.max(0, ms), 0);
  }

  /** Every answer to one probe in [fromMs, toMs], oldest first, of one node or of all. */
  seen<P extends ProbeName>(
    probe: P,
    { node, fromMs = 0, toMs = Number.POSITIVE_INFINITY }: { node?: string; fromMs?: number; toMs?: number } = {},
  ): Seen<P>[] {
    return this.of('observed')
      .filter((event) => event.probe === probe && (!node || event.node === node) && event.atMs >= fromMs && event.atMs <= toMs)
      .map(({ seq, atMs, node: who, value }) => ({ seq, atMs, node: who, value: value as Observations[P] }));
  }

  /** What a node answered last to one probe; undefined where it never did. */
  newest<P extends ProbeName>(probe: P, node: string): Observations[P] | undefined {
    const last = this.events.findLast((event) => event.type === 'observed' && event.probe === probe && event.node === node);
    return (last as { readonly value: Observations[P] } | undefined)?.value;
  }

  /** The last answer of each node of the cluster within the verify phase; null for a node that gave none. */
  final<P extends ProbeName>(probe: P): Map<string, Seen<P> | null> {
    const fromMs = this.phaseAtMs('verify') ?? Number.POSITIVE_INFINITY;
    const answers = this.seen(probe, { fromMs });
    return new Map(this.run.nodes.map(({ name }) => [name, answers.findLast((seen) => seen.node === name) ?? null]));
  }
}

interface Member {
  readonly name: string;
  readonly id: string;
  readonly formerIds?: readonly string[];
}

/** The same with its nodes under the ids that they have after these events; itself where none was renamed. */
export function withRenamed<T extends { readonly nodes: readonly Member[] }>(whole: T, events: readonly TimelineEvent[]): T {
  const renamed = events.filter((event) => event.type === 'member-renamed');
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
