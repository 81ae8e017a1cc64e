import type { Duration } from './base/duration.ts';
import type { Random } from './base/random.ts';
import type { Cluster, ClusterSpec, RedisConfig } from './cluster.ts';
import type { ActiveFault, Fault } from './fault.ts';
import type { Invariant } from './invariant.ts';
import type { Budget } from './timeline.ts';
import type { Timeline } from './timeline/timeline.ts';
import type { Workload } from './workload.ts';

/** What a person writes: a cluster, what clients do, how it is disturbed, and what must be true afterwards. */
export interface Experiment {
  readonly name: string;
  /** One sentence that a run can prove wrong. */
  readonly hypothesis: string;
  readonly cluster?: ClusterSpec;
  /** Default: registers. */
  readonly workload?: Workload;
  /** What may be lost, stale and so on. Default: what the engine's documented windows explain, and nothing else. */
  readonly budget?: Budget;
  /** Default: all invariants there are that suit the workload; `except` leaves some of them out by name. */
  readonly invariants?: readonly Invariant[] | { readonly except: readonly string[] };
  /** How long clients write before anything is disturbed. Default '1s'. */
  readonly steadyFor?: Duration;
  /** How long the cluster may take to become healthy after the last heal. Default '30s'. */
  readonly settleWithin?: Duration;
  readonly variants: Readonly<Record<string, Variant>>;
  disturb(stage: Stage): Promise<void>;
}

export interface Variant {
  /** One sentence for `list` and the report. */
  readonly about?: string;
  readonly config?: RedisConfig;
  /** Instead of the experiment's. */
  readonly workload?: Workload;
  /** Instead of the experiment's, item by item. */
  readonly budget?: Budget;
  /** The symptom: exactly these invariants must be violated. None: everything must hold. */
  readonly expect?: Readonly<Record<string, 'violated'>>;
}

/** What `disturb` is given. Everything here rejects as soon as the run is aborted. */
export interface Stage {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly variant: string;
  /** The fault has taken hold when this resolves; it is healed at the end of the scope: `await using cut = await stage.inject(…)`. */
  inject(fault: Fault): Promise<ActiveFault>;
  sleep(duration: Duration): Promise<void>;
  /** Waits until the record so far satisfies the condition. */
  until(what: string, condition: (timeline: Timeline) => boolean, within: Duration): Promise<void>;
  note(text: string): void;
}

export function defineExperiment(experiment: Experiment): Experiment {
  return experiment;
}
