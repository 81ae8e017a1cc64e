import type { Check } from '../consistency.ts';
import { slotCount, spanOf } from '../timeline/claims.ts';
import type { Outcome } from '../timeline/history.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { type Distribution, distribution } from './distribution.ts';
import { writes as isWrite } from './writes.ts';

/** When things happened and what to tell apart, on the run's clock. */
export interface ServiceFrame {
  /** When the load ran. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `beginsAtMs`: the first step towards it; it may bite before the last, when it counts as injected. */
  readonly faults: readonly { readonly beginsAtMs: number; readonly injectedAtMs: number; readonly healedAtMs: number | null }[];
  readonly shards: readonly { readonly name: string; readonly slots: readonly (readonly [first: number, last: number])[] }[];
  /** They must not overlap; an operation belongs to the one in which it was meant to start. */
  readonly phases: readonly { readonly name: string; readonly fromMs: number; readonly toMs: number }[];
}

/** The longest time without what was wanted. */
export interface Gap {
  readonly ms: number;
  readonly fromMs: number;
}

export interface Latency {
  readonly phase: string;
  /** From the intended start to the answer, of operations that were done. */
  readonly ok: Distribution | null;
  /** Of all operations; one without an answer counts until it was given up, so this is a lower bound. */
  readonly all: Distribution | null;
}

export interface Service {
  readonly operations: Readonly<Record<Outcome, number>>;
  /** Failed and unknown operations by their reason. */
  readonly reasons: Readonly<Record<string, { readonly failed: number; readonly unknown: number }>>;
  /** Operations whose answer never came, not even as an error of the client. */
  readonly neverAnswered: number;
  /**
   * One entry a fault, in the order in which they began. The first error is looked for until the next fault, and so is the
   * last one after the heal; null is none, 0 an error that came while the fault was still taking hold.
   */
  readonly faults: readonly { readonly toFirstErrorMs: number | null; readonly fromHealToLastErrorMs: number | null }[];
  /** The longest time without any operation that was done; null where none was tried. */
  readonly stall: Gap | null;
  readonly shards: readonly {
    readonly shard: string;
    readonly stall: Gap | null;
    /** The longest time without an acknowledged write; null where none ever was. */
    readonly writeGapMs: number | null;
    /** When that time began. */
    readonly writeGapFromMs: number | null;
    /** The longest time without an answered read; null where none was tried. */
    readonly readGap: Gap | null;
  }[];
  readonly clients: readonly { readonly client: number; readonly operations: Readonly<Record<Outcome, number>>; readonly stall: Gap }[];
  /** Clients that tried something in the last second in which anybody got anything done, and got nothing done themselves. */
  readonly stuck: readonly number[];
  readonly latencies: readonly Latency[];
  /** How long after its intended start an operation was sent. */
  readonly lateness: Distribution | null;
  readonly throughput: Throughput;
}

/** How many operations ended in each bin of the run's clock, the first of which begins at 0. */
export interface Throughput {
  readonly binMs: number;
  readonly ok: readonly number[];
  readonly failed: readonly number[];
  readonly unknown: readonly number[];
}

/** What the record of a run says of its load, faults, shards (as they were at the start) and phases. */
export function frameOf(timeline: Timeline): ServiceFrame {
  const endMs = timeline.of('workload-stopped')[0]?.atMs ?? timeline.events.at(-1)?.atMs ?? 0;
  const entered = timeline.of('phase-entered');
  return {
    fromMs: timeline.phaseAtMs('steady') ?? 0,
    toMs: endMs,
    faults: timeline.of('fault-injecting').map(({ fault, atMs }) => {
      const { injectedAtMs, healedAtMs } = spanOf(timeline, fault);
      return { beginsAtMs: atMs, injectedAtMs, healedAtMs: Number.isFinite(healedAtMs) ? healedAtMs : null };
    }),
    shards: timeline.run.nodes.filter(({ role }) => role === 'primary').map(({ name, slots }) => ({ name, slots })),
    phases: entered
      .map(({ phase, atMs }, index) => ({ name: phase, fromMs: atMs, toMs: entered[index + 1]?.atMs ?? Number.POSITIVE_INFINITY }))
      .filter(({ fromMs, name }) => name !== 'form' && fromMs < endMs),
  };
}

const binMs = 100;
const lastMs = 1000;
/** Memory is bounded whatever the times in a file say: a day of bins. */
const mostBins = 864_000;

/**
 * What applications feel. Latency is counted from the moment at which an operation was meant to start, so that one that
 * had to wait for the ones before it is as late as its user would find it (no coordinated omission). Gaps reach from the
 * beginning of the load to its end. Reads at rest are left out. Constant memory but for the bins and the clients.
 */
export function serviceCheck(frame: ServiceFrame): Check<Service> {
  const faults = frame.faults.toSorted((a, b) => a.beginsAtMs - b.beginsAtMs);
  const errors = faults.map(() => ({ firstAtMs: Number.POSITIVE_INFINITY, lastAtMs: Number.NEGATIVE_INFINITY }));
  const operations = { ok: 0, failed: 0, unknown: 0 };
  const reasons = new Map<number, { failed: number; unknown: number }>();
  const overall = gap(frame.fromMs);
  const shards = frame.shards.map(({ name, slots }) => ({
    name,
    slots,
    stall: gap(frame.fromMs),
    writes: gap(frame.fromMs),
    reads: gap(frame.fromMs),
  }));
  const shardOf = new Int16Array(slotCount).fill(-1);
  for (const [index, { slots }] of shards.entries()) for (const [first, last] of slots) shardOf.fill(index, first, last + 1);
  const clients: ({ ok: number; failed: number; unknown: number; stall: Pauses; lastErrorAtMs: number } | undefined)[] = [];
  const phases = [...frame.phases, { name: 'other', fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }].map((phase) => ({
    ...phase,
    ok: distribution(),
    all: distribution(),
  }));
  const whole = { ok: distribution(), all: distribution() };
  const lateness = distribution();
  const bins: Readonly<Record<Outcome, number[]>> = { ok: [], failed: [], unknown: [] };
  let phase = phases[0];

  function seeError(doneAtMs: number): void {
    const index = faults.findLastIndex(({ beginsAtMs }) => beginsAtMs <= doneAtMs);
    const error = errors[index];
    if (!error) return;
    error.firstAtMs = Math.min(error.firstAtMs, doneAtMs);
    error.lastAtMs = Math.max(error.lastAtMs, doneAtMs);
  }

  return {
    see(row, names) {
      if (row.final) return;
      const { outcome, doneAtMs, sentAtMs } = row;
      const isOk = outcome === 'ok';
      operations[outcome]++;
      const dueAtMs = sentAtMs - row.lateMs;
      if (!phase || dueAtMs < phase.fromMs || dueAtMs >= phase.toMs || phase.name === 'other')
        phase = phases.find(({ fromMs, toMs }) => fromMs <= dueAtMs && dueAtMs < toMs);
      const latencyMs = doneAtMs - dueAtMs;
      phase?.all.record(latencyMs);
      whole.all.record(latencyMs);
      if (isOk) {
        phase?.ok.record(latencyMs);
        whole.ok.record(latencyMs);
      }
      lateness.record(row.lateMs);

      const bin = Math.min(mostBins, Math.max(0, Math.floor(doneAtMs / binMs)));
      for (const one of [bins.ok, bins.failed, bins.unknown]) while (one.length <= bin) one.push(0);
      bins[outcome][bin] = (bins[outcome][bin] as number) + 1;

      const client = (clients[row.client] ??= {
        ok: 0,
        failed: 0,
        unknown: 0,
        stall: gap(frame.fromMs),
        lastErrorAtMs: Number.NEGATIVE_INFINITY,
      });
      client[outcome]++;
      client.stall.see(isOk, doneAtMs);
      overall.see(isOk, doneAtMs);
      const shard = shards[shardOf[names.slot(row.key)] ?? -1];
      shard?.stall.see(isOk, doneAtMs);
      (isWrite(row.verb) ? shard?.writes : shard?.reads)?.see(isOk, doneAtMs);

      if (isOk) return;
      client.lastErrorAtMs = Math.max(client.lastErrorAtMs, doneAtMs);
      seeError(doneAtMs);
      let reason = reasons.get(row.reason);
      if (!reason) reasons.set(row.reason, (reason = { failed: 0, unknown: 0 }));
      if (outcome === 'failed') reason.failed++;
      else reason.unknown++;
    },

    finish(names) {
      const { toMs } = frame;
      const seen = clients.flatMap((client, index) => (client ? [{ client: index, ...client }] : []));
      const lastSecondMs = overall.lastAtMs() - lastMs;
      const byReason = [...reasons]
        .map(([reason, count]) => [names.reason(reason) ?? 'none given', count] as const)
        .sort(([, a], [, b]) => b.failed + b.unknown - a.failed - a.unknown);
      return {
        operations,
        reasons: Object.fromEntries(byReason),
        neverAnswered: byReason.reduce((sum, [name, count]) => (name === 'never-answered' ? sum + count.failed + count.unknown : sum), 0),
        faults: faults.map(({ injectedAtMs, healedAtMs }, index) => {
          const { firstAtMs, lastAtMs } = errors[index] as (typeof errors)[number];
          return {
            toFirstErrorMs: Number.isFinite(firstAtMs) ? Math.max(0, firstAtMs - injectedAtMs) : null,
            fromHealToLastErrorMs: healedAtMs !== null && lastAtMs >= healedAtMs ? lastAtMs - healedAtMs : null,
          };
        }),
        stall: overall.result(toMs),
        shards: shards.map(({ name, stall, writes, reads }) => {
          const longest = Number.isFinite(writes.lastAtMs()) ? writes.result(toMs) : null;
          return {
            shard: name,
            stall: stall.result(toMs),
            writeGapMs: longest?.ms ?? null,
            writeGapFromMs: longest?.fromMs ?? null,
            readGap: reads.result(toMs),
          };
        }),
        clients: seen.map(({ client, ok, failed, unknown, stall }) => ({
          client,
          operations: { ok, failed, unknown },
          stall: stall.result(toMs) as Gap,
        })),
        stuck: seen
          .filter(({ stall, lastErrorAtMs }) => stall.lastAtMs() < lastSecondMs && lastErrorAtMs >= lastSecondMs)
          .map(({ client }) => client),
        latencies: [
          { phase: 'all', ok: whole.ok.result(), all: whole.all.result() },
          ...phases
            .map(({ name, ok, all }) => ({ phase: name, ok: ok.result(), all: all.result() }))
            .filter(({ phase: name, all }) => name !== 'other' || all),
        ],
        lateness: lateness.result(),
        throughput: { binMs, ...bins },
      };
    },
  };
}

interface Pauses {
  see(isOk: boolean, atMs: number): void;
  /** When something was done last; -Infinity is never. */
  lastAtMs(): number;
  result(toMs: number): Gap | null;
}

/** The longest time between two things that were done, the beginning and the end of the load included. */
function gap(startMs: number): Pauses {
  let tried = false;
  let sinceMs = startMs;
  let lastAtMs = Number.NEGATIVE_INFINITY;
  let longest: Gap = { ms: 0, fromMs: startMs };
  return {
    see(isOk, atMs) {
      tried = true;
      if (!isOk) return;
      if (atMs - sinceMs > longest.ms) longest = { ms: atMs - sinceMs, fromMs: sinceMs };
      sinceMs = Math.max(sinceMs, atMs);
      lastAtMs = sinceMs;
    },
    lastAtMs: () => lastAtMs,
    result: (toMs) => (!tried ? null : toMs - sinceMs > longest.ms ? { ms: toMs - sinceMs, fromMs: sinceMs } : longest),
  };
}
