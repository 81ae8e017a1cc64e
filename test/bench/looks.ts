import { linked, overrun } from '../../src/outage.ts';
import { markedFail, replaced, sharedSlots } from '../../src/timeline/claims.ts';
import { ever } from '../../src/timeline/ever.ts';
import { isHealthy } from '../../src/timeline/health.ts';
import { type Lag, lags } from '../../src/timeline/lag.ts';
import type { ProbeName } from '../../src/timeline/observation.ts';
import { resyncs } from '../../src/timeline/resyncs.ts';
import { Timeline, withRenamed } from '../../src/timeline/timeline.ts';
import type { Happening, TimelineEvent } from '../../src/timeline.ts';
import { healthy, run } from '../recorded.ts';
import { naive, NaiveTimeline, renamed } from '../timeline/naive.ts';
import { goal, machine, median, thousands } from './machine.ts';

/*
 * What a look at the record of a run costs the process that drives the load, 20 times a second: the conditions that
 * experiments wait for, asked of a record that grows. Beside each stands what it costs one who reads all of it each time.
 */

const sizes = [10_000, 100_000, 1_000_000];
const rounds = Number(process.env['ROUNDS'] ?? 60);
/** Between two looks: 50 ms at 500 events a second. */
const between = 25;

/** Of so many events, as in records of real runs: most of them change with every answer. */
const shares: Readonly<Record<string, number>> = {
  replication: 32,
  ping: 32,
  memory: 14,
  topology: 5,
  'cluster-info': 4,
  links: 4,
  keys: 4,
  persistence: 4,
  'log-line': 1,
};
const kinds = Object.entries(shares).flatMap(([kind, share]) => Array<string>(share).fill(kind));
/** It answers nothing any more from a tenth of the record on, so that its newest answer is an old one. */
const dead = 'node-6';

/** Adds events until there are so many, each with an answer of its own, as parsers make them. */
function grow(events: TimelineEvent[], size: number, deadFrom: number): void {
  for (let seq = events.length; seq < size; seq++) {
    const node = run.nodes[seq % run.nodes.length]?.name ?? '';
    const kind = kinds[(seq * 37) % kinds.length] as string;
    events.push({ seq, atMs: seq * 2, ...happening(seq, node, kind, deadFrom) } as TimelineEvent);
  }
}

const sound = new Map(run.nodes.map(({ name }) => [name, healthy(name)]));

function happening(seq: number, node: string, kind: string, deadFrom: number): Happening {
  if (seq === 100) return { type: 'phase-entered', phase: 'steady' };
  if (seq === 200) return { type: 'fault-injecting', fault: 1, name: 'none', plan: {}, nodes: [], exposes: [] };
  if (seq === 210) return { type: 'fault-injected', fault: 1 };
  if (kind === 'log-line') return { type: 'log-line', node, loggedAtMs: seq * 2, kind: 'pfail', text: `line ${seq}` };
  const probe = kind as ProbeName;
  if (node === dead && seq > deadFrom) return { type: 'probe-failed', node, probe, because: 'Command timed out' };
  const value = structuredClone(sound.get(node)?.[probe]);
  // What primaries write, their replicas have soon.
  if (probe === 'replication') Object.assign(value as object, { offset: seq * 100 });
  return { type: 'observed', node, probe, value } as Happening;
}

interface Look {
  readonly now: (timeline: Timeline) => unknown;
  readonly naive: (timeline: NaiveTimeline) => unknown;
}
/** Whether a replica other than its own has acknowledged what a primary had written when it came. */
function catchUp(): (timeline: Timeline) => boolean {
  let wanted = Number.POSITIVE_INFINITY;
  return ever('replication', ({ node, value: { offset, replicas } }) => {
    const acknowledged = node === 'node-1' ? replicas.find(({ state }) => state === 'online')?.offset : undefined;
    if (acknowledged === undefined) return false;
    wanted = Math.min(wanted, offset);
    // Never, so that the last of a million answers is asked for too.
    return acknowledged >= wanted + 1e12;
  });
}
function moved(timeline: NaiveTimeline): boolean {
  const told = timeline.seen('replication', { node: 'node-1' }).map(({ value: { offset, replicas } }) => ({
    offset,
    acknowledged: replicas.find(({ state }) => state === 'online')?.offset,
  }));
  const wanted = told.find(({ acknowledged }) => acknowledged !== undefined)?.offset ?? Number.POSITIVE_INFINITY;
  return (told.at(-1)?.acknowledged ?? 0) >= wanted;
}
const failed = (timeline: NaiveTimeline): boolean =>
  timeline.seen('topology').some(({ value }) => value.some((peer) => peer.id === 'nobody' && peer.flags.includes('fail')));
const lost = (timeline: NaiveTimeline): boolean =>
  timeline.seen('replication').findLast(({ node }) => node === 'node-4')?.value.link === 'down';
const behind = (lag: Lag | undefined): boolean => lag !== undefined && lag.bytes > 1e12 && lag.ms > 1e12;
const loaded = (lag: Lag | undefined): boolean => lag !== undefined && lag.linked && lag.bytes < 1_000;
const ofNode4 = ({ replica }: Lag): boolean => replica === 'node-4';
/** In the words of the experiments. */
const looks: Readonly<Record<string, Look>> = {
  'the replica serves the slots': {
    now: (timeline) => replaced(timeline, 'node-1'),
    naive: (timeline) =>
      naive.roleChanges(timeline).some(({ node, slots }) => node !== 'node-1' && sharedSlots(slots, run.nodes[0]?.slots ?? []) > 0),
  },
  'all is well again': { now: isHealthy, naive: naive.isHealthy },
  'the replica is in step': { now: (timeline) => linked(timeline, 'node-4'), naive: (timeline) => naive.linked(timeline, 'node-4') },
  'a full resync has tried it': { now: (timeline) => resyncs(timeline).full > 0, naive: (timeline) => naive.resyncs(timeline).full > 0 },
  'the replica is far behind': {
    now: (timeline) => behind(lags(timeline, 'node-4').at(-1)),
    naive: (timeline) => behind(naive.lags(timeline).findLast(ofNode4)),
  },
  'the replica has all of it': {
    now: (timeline) => loaded(lags(timeline, 'node-4').at(-1)),
    naive: (timeline) => loaded(naive.lags(timeline).findLast(ofNode4)),
  },
  'more is written than the backlog holds': {
    now: (timeline) => overrun(timeline, 'node-1', 1e12, 5_000),
    naive: (timeline) => naive.overrun(timeline, 'node-1', 1e12, 5_000),
  },
  'the fault bites': {
    now: (timeline) => timeline.of('fault-effective').some(({ fault }) => fault === 1),
    naive: (timeline) => timeline.of('fault-effective').some(({ fault }) => fault === 1),
  },
  'what a dead node said last': {
    now: (timeline) => timeline.newest('replication', dead),
    naive: (timeline) => timeline.newest('replication', dead),
  },
  'a line was logged': {
    now: (timeline) => timeline.of('log-line').some(({ kind }) => kind === 'login-refused'),
    naive: (timeline) => timeline.of('log-line').some(({ kind }) => kind === 'login-refused'),
  },
  'somebody lists it as failed': { now: markedFail('nobody'), naive: failed },
  'another replica has come': { now: catchUp(), naive: moved },
  'its replica has lost it': { now: (timeline) => timeline.newest('replication', 'node-4')?.link === 'down', naive: lost },
  'the members by now': {
    now: (timeline) => withRenamed(run, timeline.events),
    naive: (timeline) => renamed(run, timeline.events),
  },
};

function tookMs(work: () => unknown): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}
const shown = (ms: number): string => `${ms.toFixed(ms < 10 ? 3 : 0)} ms`.padStart(9);

console.log(`looks: ${machine()}`);
for (const size of sizes) {
  const events: TimelineEvent[] = [];
  grow(events, size, size / 10);
  const timeline = new Timeline(run, events);
  const indexMs = tookMs(() => timeline.of('noted'));
  console.log(
    `at ${thousands(size)} events, ${between} more before each look; knowing where all of them are took ${shown(indexMs).trim()} once`,
  );
  let slowest = { name: '', ms: 0 };
  for (const [name, look] of Object.entries(looks)) {
    const firstMs = tookMs(() => look.now(timeline));
    const now: number[] = [];
    const reading: number[] = [];
    for (let round = 0; round < rounds; round++) {
      grow(events, events.length + between, size / 10);
      now.push(tookMs(() => look.now(timeline)));
      if (round < 3_000_000 / size) reading.push(tookMs(() => look.naive(new NaiveTimeline(run, events))));
    }
    const [ms, readingMs] = [median(now), median(reading)];
    if (ms > slowest.ms) slowest = { name, ms };
    console.log(
      `  ${name.padEnd(40)}${shown(ms)}, the first ${shown(firstMs)}; reading all ${shown(readingMs)}, ${thousands(readingMs / ms).padStart(7)} times`,
    );
  }
  const end = `  the slowest is "${slowest.name}" with ${shown(slowest.ms).trim()}`;
  console.log(size < 1_000_000 ? end : `${end}   ${goal('below 1 ms', slowest.ms < 1)}`);
}
