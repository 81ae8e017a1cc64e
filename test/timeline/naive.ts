import { isPrimary, ownLine, type RoleChange } from '../../src/timeline/claims.ts';
import { lacking } from '../../src/timeline/health.ts';
import type { Lag } from '../../src/timeline/lag.ts';
import type { Observations, ProbeName } from '../../src/timeline/observation.ts';
import type { Resyncs } from '../../src/timeline/resyncs.ts';
import type { Seen } from '../../src/timeline/timeline.ts';
import type { EventOf, Happening, Phase, RunInfo, TimelineEvent } from '../../src/timeline.ts';

/** What a timeline answers, by going through the whole record each time. */
export class NaiveTimeline {
  readonly run: RunInfo;
  readonly events: readonly TimelineEvent[];

  constructor(run: RunInfo, events: readonly TimelineEvent[]) {
    this.run = renamed(run, events);
    this.events = events;
  }

  of<T extends Happening['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event) => event.type === type) as EventOf<T>[];
  }

  phaseAtMs(phase: Phase): number | undefined {
    return this.of('phase-entered').find((event) => event.phase === phase)?.atMs;
  }

  stoodStillMs(fromMs: number, toMs: number): number {
    return this.of('harness-stalled')
      .map(({ atMs, forMs }) => Math.min(toMs, atMs) - Math.max(fromMs, atMs - forMs))
      .reduce((sum, ms) => sum + Math.max(0, ms), 0);
  }

  seen<P extends ProbeName>(
    probe: P,
    { node, fromMs = 0, toMs = Number.POSITIVE_INFINITY }: { node?: string; fromMs?: number; toMs?: number } = {},
  ): Seen<P>[] {
    return this.of('observed')
      .filter((event) => event.probe === probe && (!node || event.node === node) && event.atMs >= fromMs && event.atMs <= toMs)
      .map(({ seq, atMs, node: who, value }) => ({ seq, atMs, node: who, value: value as Observations[P] }));
  }

  newest<P extends ProbeName>(
    probe: P,
    node: string,
    { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: { fromMs?: number; toMs?: number } = {},
  ): Observations[P] | undefined {
    const last = this.events.findLast(
      (event) => event.type === 'observed' && event.probe === probe && event.node === node && event.atMs >= fromMs && event.atMs <= toMs,
    );
    return (last as { readonly value: Observations[P] } | undefined)?.value;
  }

  latest<P extends ProbeName>(probe: P): Map<string, Observations[P]> {
    const said = new Map<string, Observations[P]>();
    for (const event of this.events) {
      if (event.type === 'observed' && event.probe === probe) said.set(event.node, event.value as Observations[P]);
      else if (event.type === 'probe-failed' && event.probe === probe) said.delete(event.node);
    }
    return said;
  }

  final<P extends ProbeName>(probe: P): Map<string, Seen<P> | null> {
    const fromMs = this.phaseAtMs('verify') ?? Number.POSITIVE_INFINITY;
    const answers = this.seen(probe, { fromMs });
    return new Map(this.run.nodes.map(({ name }) => [name, answers.findLast((seen) => seen.node === name) ?? null]));
  }
}

export function renamed<T extends Pick<RunInfo, 'nodes'>>(whole: T, events: readonly TimelineEvent[]): T {
  const renames = events.filter((event) => event.type === 'member-renamed');
  if (renames.length === 0) return whole;
  const nodes = whole.nodes.map((node) => {
    const ids = renames.filter((event) => event.node === node.name).map(({ id }) => id);
    const id = ids.at(-1);
    return id === undefined ? node : { ...node, id, formerIds: [node.id, ...ids.slice(0, -1)] };
  });
  return { ...whole, nodes };
}

/** What src/timeline and src/outage.ts answer, likewise. */
export const naive = {
  isHealthy: (timeline: NaiveTimeline): boolean =>
    lacking(timeline.run, {
      clusterInfo: timeline.latest('cluster-info'),
      topology: timeline.latest('topology'),
      replication: timeline.latest('replication'),
    }).length === 0,

  linked(timeline: NaiveTimeline, replica: string): boolean {
    const lastDeed = timeline.events.findLast(({ type }) => type === 'fault-injected' || type === 'fault-healed');
    const newest = timeline.seen('replication', { node: replica, fromMs: lastDeed?.atMs ?? 0 }).at(-1)?.value;
    return newest?.link === 'up' && newest.syncInProgress === false;
  },

  overrun(timeline: NaiveTimeline, primary: string, backlogBytes: number, fromMs: number): boolean {
    const answers = timeline.seen('replication', { node: primary });
    const before = answers.findLast(({ atMs }) => atMs <= fromMs);
    const writtenBytes = (answers.at(-1)?.value.offset ?? 0) - (before?.value.offset ?? Number.POSITIVE_INFINITY);
    return writtenBytes > backlogBytes + Math.max(backlogBytes / 16, 16_384);
  },

  roleChanges(timeline: NaiveTimeline): RoleChange[] {
    const role = new Map<string, boolean>();
    const changes: RoleChange[] = [];
    const steadyAtMs = timeline.phaseAtMs('steady') ?? 0;
    for (const { node, value, atMs, seq } of timeline.seen('topology')) {
      const own = ownLine(value);
      if (!own) continue;
      const primary = isPrimary(own);
      if (atMs >= steadyAtMs && role.has(node) && role.get(node) !== primary)
        changes.push({ node, to: primary ? 'primary' : 'replica', atMs, seq, slots: own.slots });
      role.set(node, primary);
    }
    return changes;
  },

  resyncs(timeline: NaiveTimeline, fromMs = 0): Resyncs {
    const samples = timeline.seen('replication', { fromMs: timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY });
    const original = new Set(timeline.run.nodes.flatMap(({ name }) => timeline.seen('replication', { node: name })[0]?.value.runId ?? []));
    let full = 0;
    let partial = 0;
    const witnesses: number[] = [];
    for (const series of Map.groupBy(samples, ({ value }) => value.runId).values()) {
      const [first, last] = [series[0], series.at(-1)];
      if (!first || !last) continue;
      const before = series.findLast(({ atMs }) => atMs <= fromMs) ?? (original.has(first.value.runId) ? first : undefined);
      const from = before?.value ?? { syncFull: 0, syncPartialOk: 0 };
      full += last.value.syncFull - from.syncFull;
      partial += last.value.syncPartialOk - from.syncPartialOk;
      if (last.value.syncFull > from.syncFull) witnesses.push(last.seq);
    }
    return { full, partial, witnesses };
  },

  lags(timeline: NaiveTimeline): Lag[] {
    const freshMs = 1_500;
    const fromMs = timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY;
    return timeline.run.nodes.flatMap(({ name: replica }) => {
      const found: Lag[] = [];
      const places = new Map<
        string,
        { series: Seen<'replication'>[]; now: number; reached: number; had: number | null; metAtMs: number }
      >();
      for (const { value, atMs, seq } of timeline.seen('replication', { node: replica, fromMs })) {
        const primary = timeline.run.nodes.find(({ address }) => address === value.primaryAddress)?.name;
        if (value.role !== 'replica' || primary === undefined) continue;
        let place = places.get(primary);
        if (!place) {
          const series = timeline.seen('replication', { node: primary }).filter((seen) => seen.value.role === 'primary');
          place = { series, now: -1, reached: -1, had: null, metAtMs: atMs };
          places.set(primary, place);
        }
        const { series } = place;
        while ((series[place.now + 1]?.seq ?? Number.POSITIVE_INFINITY) <= seq) place.now++;
        const ahead = series[place.now];
        if (!ahead || atMs - ahead.atMs > freshMs) {
          place.metAtMs = atMs;
          continue;
        }
        const linked = value.link === 'up' && !value.syncInProgress && value.replid === ahead.value.replid;
        if (linked) place.had = value.offset;
        const had = place.had;
        if (had !== null)
          while (place.reached < place.now && (series[place.reached + 1]?.value.offset ?? Number.POSITIVE_INFINITY) <= had) place.reached++;
        const behind = had === null ? 1 : Math.max(0, ahead.value.offset - had);
        const reachedAtMs = Math.max(place.metAtMs, series[place.reached]?.atMs ?? 0);
        found.push({
          replica,
          primary,
          atMs,
          seq,
          linked,
          bytes: had === null ? 0 : behind,
          ms: behind === 0 ? 0 : atMs - reachedAtMs,
        });
      }
      return found;
    });
  },
};
