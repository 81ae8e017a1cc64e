import type { Json } from './base/json.ts';
import type { Observations, ProbeName } from './timeline/observation.ts';

export const phases = ['form', 'steady', 'disturb', 'settle', 'verify', 'judge'] as const;
export type Phase = (typeof phases)[number];

/**
 * How a fault can make a node lose writes that it acknowledged; the engine documents a window for each
 * (timeline/theory.ts): `isolated` goes on acknowledging alone, `frozen` answers queued commands after it thaws,
 * `crashed` takes the unreplicated tail with it, `emptied` comes back without its data.
 */
export type Exposure = { readonly node: string; readonly how: 'isolated' | 'frozen' | 'crashed' | 'emptied' };

/** Engine log lines with a meaning; see probe/logs.ts for the patterns. */
export type LogKind =
  | 'pfail'
  | 'fail'
  | 'fail-cleared'
  | 'election-started'
  | 'election-won'
  | 'vote-granted'
  | 'vote-denied'
  | 'cannot-failover'
  | 'full-resync'
  | 'partial-resync'
  | 'partial-refused'
  | 'link-lost'
  | 'link-timed-out'
  | 'data-refused'
  | 'sync-finished'
  | 'output-buffer-overrun'
  | 'state-changed'
  | 'role-changed'
  | 'certificate-refused'
  | 'login-refused'
  | 'started'
  | 'crashed';

export type Observed = {
  readonly [P in ProbeName]: { readonly type: 'observed'; readonly node: string; readonly probe: P; readonly value: Observations[P] };
}[ProbeName];

/** What can happen in a run. Every event is one line of timeline.jsonl. */
export type Happening =
  /** `withinMs`: how long the phase takes (steady) or may take (settle); absent where nothing bounds it. */
  | { readonly type: 'phase-entered'; readonly phase: Phase; readonly withinMs?: number }
  /** The run waits, at most this long; `until` is null where it only lets time pass. */
  | { readonly type: 'waiting'; readonly until: string | null; readonly withinMs: number }
  | {
      readonly type: 'fault-injecting';
      readonly fault: number;
      readonly name: string;
      readonly plan: Json;
      readonly nodes: readonly string[];
      readonly exposes: readonly Exposure[];
      /** By whose view of the cluster its nodes were chosen: one that most shared. */
      readonly viewOf?: string;
    }
  | { readonly type: 'fault-injected'; readonly fault: number }
  | { readonly type: 'fault-effective'; readonly fault: number; readonly evidence: readonly string[] }
  | { readonly type: 'fault-ineffective'; readonly fault: number; readonly because: string }
  | { readonly type: 'fault-healing'; readonly fault: number }
  | { readonly type: 'fault-healed'; readonly fault: number }
  | { readonly type: 'heal-failed'; readonly fault: number; readonly because: string }
  | Observed
  | { readonly type: 'probe-failed'; readonly node: string; readonly probe: ProbeName; readonly because: string }
  | {
      readonly type: 'log-line';
      readonly node: string;
      /** The engine's own stamp, on the run's clock. */
      readonly loggedAtMs: number;
      readonly kind: LogKind;
      readonly text: string;
    }
  | { readonly type: 'container-exited'; readonly node: string; readonly exitCode: number; readonly expected: boolean }
  /** `redirects`: how often clients were sent elsewhere by MOVED or ASK; null where their library does not tell. */
  | {
      readonly type: 'workload-stopped';
      readonly ok: number;
      readonly failed: number;
      readonly unknown: number;
      readonly redirects?: number | null;
    }
  /** Error replies of all engines while the workload ran, by their kind, as the engines count them; null where they do not. */
  | { readonly type: 'errors-counted'; readonly replies: Readonly<Record<string, number>> | null }
  /** Every key was read at rest from every node; what was found stands in the history. */
  | { readonly type: 'read-back'; readonly keys: number; readonly unreadable: number }
  | { readonly type: 'settled'; readonly afterMs: number }
  | { readonly type: 'not-settled'; readonly lacking: readonly string[] }
  | { readonly type: 'aborted'; readonly because: string }
  | { readonly type: 'harness-failed'; readonly because: string }
  /** The experiment's own code asserts something that is not so. */
  | { readonly type: 'assertion-failed'; readonly because: string }
  /** A step that the experiment counts on did not come about. */
  | { readonly type: 'step-missed'; readonly because: string }
  /** The process that runs the load and watches the nodes did nothing for so long, until now. */
  | { readonly type: 'harness-stalled'; readonly forMs: number }
  /** An operator's command to a node, and what came back; `failed` where the deed did. */
  | { readonly type: 'commanded'; readonly node: string; readonly command: string; readonly answer: string; readonly failed: boolean }
  /** The node is a member under another id from here on. */
  | { readonly type: 'member-renamed'; readonly node: string; readonly id: string }
  /** What the engine's own `--cluster check` says at one node of the final state: the sentences with which it objects. */
  | {
      readonly type: 'cluster-checked';
      readonly node: string;
      readonly exitCode: number;
      readonly objections: readonly string[];
      readonly unasked?: string;
    }
  | { readonly type: 'noted'; readonly text: string };

/** What a variant expects of invariants: `violated` is the symptom, `open` is not judged; the others must hold. */
export type Expectation = Readonly<Record<string, 'violated' | 'open'>>;

/** `seq` counts from 0 without gaps; `atMs` is monotonic, from the start of the run. */
export type TimelineEvent = { readonly seq: number; readonly atMs: number } & Happening;
export type EventOf<T extends Happening['type']> = Extract<TimelineEvent, { type: T }>;

/** How many anomalies of each kind an experiment allows, and its limits; an item that is left out allows what the engine documents. */
export const budgetItems = [
  'lostWrites',
  'evictedKeys',
  'lossWindowMs',
  'splitBrainMs',
  'staleReads',
  'stalenessMs',
  'nonMonotonicReads',
  'unseenOwnWrites',
  'nonLinearizable',
  'tornTransactions',
  'lostIncrements',
  'lostMessages',
  'repeatedMessages',
  'livingDead',
  /** Limits, not counts: what a node may reach before an invariant calls it a failure. */
  'lagBytes',
  'lagSeconds',
  'fragmentation',
  'memoryPercent',
  'messagesPerSecond',
  'busBytes',
  'redirectsPerOperation',
  'unreadableKeys',
  'gapMs',
  'readGapMs',
  'neverAnswered',
  'otherShardsGapMs',
  'aloneMs',
  'loadingMs',
  'forkMs',
  'backlogSeconds',
  'stallMs',
  'suspicions',
  'failovers',
  'fullResyncs',
  'fullResyncsAfterRepair',
] as const;
export type Budget = { readonly [item in (typeof budgetItems)[number]]?: number };

/** What clients do in a run, as far as judging needs it; workload.ts says the rest. */
export interface WorkloadInfo {
  readonly kind: string;
  readonly client: string;
  readonly clients: number;
  readonly wait: number;
  readonly readShare: number;
  readonly readsFrom: string;
  /** Where clients stand, one after the other in turn; left out or empty: at the harness. */
  readonly places?: readonly string[];
}

/** run.json: what is needed to understand and repeat a run. Written at the start, completed when the cluster is up. */
export interface RunInfo {
  readonly format: 2;
  readonly id: string;
  readonly experiment: string;
  readonly hypothesis: string;
  readonly variant: string;
  readonly seed: number;
  readonly startedAt: string;
  /** Epoch ms of atMs = 0. */
  readonly epochMs: number;
  readonly command: string;
  readonly slotquake: string;
  readonly gitCommit: string | null;
  readonly engine: EngineInfo;
  readonly driver: { readonly name: string; readonly version: string; readonly reach: string };
  readonly nodes: readonly {
    readonly name: string;
    readonly id: string;
    /** Ids under which it was a member earlier in the run. */
    readonly formerIds?: readonly string[];
    readonly address: string;
    readonly role: 'primary' | 'replica';
    /** Whose replica it was formed as. */
    readonly primary?: string;
    readonly slots: readonly (readonly [first: number, last: number])[];
    /** What its container may use; left out where it has no limit. */
    readonly memoryBytes?: number;
  }[];
  /** What redis.conf said, beyond the engine's defaults. */
  readonly settings: Readonly<Record<string, string>>;
  readonly workload: WorkloadInfo;
  readonly budget: Budget;
  readonly settleWithinMs: number;
  readonly invariants: readonly string[];
  readonly expect: Expectation;
}

export interface EngineInfo {
  readonly kind: 'redis' | 'valkey';
  /** As the server said it, such as '7.0.15'. */
  readonly version: string;
  readonly image: string;
}
