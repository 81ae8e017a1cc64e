import type { Duration } from './base/duration.ts';
import type { Random } from './base/random.ts';
import type { Cluster, ClusterSpec, RedisConfig } from './cluster.ts';
import type { Command, CommandResult } from './driver.ts';
import type { ActiveFault, Fault } from './fault.ts';
import type { Invariant } from './invariant.ts';
import type { Budget, EngineInfo, Expectation } from './timeline.ts';
import type { Timeline } from './timeline/timeline.ts';
import type { Workload } from './workload.ts';

/** What a person writes: a cluster, what clients do, how it is disturbed, and what must be true afterwards. */
export interface Experiment {
  readonly name: string;
  /** One sentence that a run can prove wrong. */
  readonly hypothesis: string;
  /** What somebody reads who has had the incident; every experiment of the catalogue has it. */
  readonly failure?: Failure;
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
  /** How long `prepare` and `disturb` may take each, whatever they wait for; `--timeout` of a run goes before it. Default '30m'. */
  readonly timeout?: Duration;
  readonly variants: Readonly<Record<string, Variant>>;
  /** What is done to the fresh cluster before clients start, such as filling it. */
  prepare?(stage: Stage): Promise<void>;
  disturb(stage: Stage): Promise<void>;
}

export interface Variant {
  /** One sentence for `list` and the report. */
  readonly about?: string;
  readonly config?: RedisConfig;
  /** Instead of the experiment's, item by item; `config` above goes on top of both. */
  readonly cluster?: ClusterSpec;
  /** Instead of the experiment's. */
  readonly workload?: Workload;
  /** Instead of the experiment's, item by item. */
  readonly budget?: Budget;
  /** Left out beside those that the experiment leaves out. */
  readonly invariants?: { readonly except: readonly string[] };
  /** Instead of the experiment's. */
  readonly settleWithin?: Duration;
  /**
   * The symptom: exactly these invariants must be violated; one that is `open` may hold or not, because chance decides,
   * and the experiment says why. None: everything must hold. A function where engines differ.
   */
  readonly expect?: Expectation | ((engine: EngineInfo) => Expectation);
  /** Why this variant cannot be asked of an engine, in a sentence; undefined where it can. */
  readonly unsuited?: (engine: EngineInfo) => string | undefined;
}

/** The texts go into `slotquake list`, the docs and the audit as they stand. */
export interface Failure {
  readonly level: 'easy' | 'medium' | 'hard';
  /** What people see, in one line. */
  readonly symptom: string;
  /** Why it happens: the mechanism, with the engine's file and function. */
  readonly cause: string;
  /** What decides whether it happens: directives, or a deed. */
  readonly setting: string;
  /** What helps. */
  readonly remedy: string;
  /** Where engines differ, and since which version; left out where they do not. */
  readonly engines?: string;
  /** How the user's own settings are tried; a sentence where no setting decides. */
  readonly audit: Audit | string;
}

export interface Audit {
  /**
   * The directives that decide, each with the factor from production's value to that of the wounded variant: 1 / 64 where
   * 256 MB stand for 4 MB. 1 for what has no size, such as yes and no. What the user's file does not set has the engine's
   * default, scaled as well. What each part of a value measures is in conf/directive.ts.
   */
  readonly scale: Readonly<Record<string, number>>;
  /** The remedy as lines of redis.conf in production's sizes; a comment where no line helps. */
  readonly lines: readonly string[];
  /**
   * The invariants whose violation means exposed, where other settings of the user's can bring out another symptom than the one
   * that the wounded variant expects.
   */
  readonly symptoms?: readonly string[];
  /**
   * Why it cannot hit whoever has these settings at all, in a sentence; undefined where it can. All the engine has, defaults
   * included, as CONFIG GET says them: sizes in bytes. Names of today (`replica-priority`) are there on every engine.
   */
  readonly unless?: (settings: Readonly<Record<string, string>>) => string | undefined;
}

/** What `disturb` is given. Everything here rejects as soon as the run is aborted. */
export interface Stage {
  /** As it is now: whoever has renamed a node asks again. */
  readonly cluster: Cluster;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly variant: string;
  /** The record so far. */
  timeline(): Timeline;
  /** The fault has taken hold when this resolves; it is healed at the end of the scope: `await using cut = await stage.inject(…)`. */
  inject(fault: Fault): Promise<ActiveFault>;
  sleep(duration: Duration): Promise<void>;
  /** Waits until the record so far satisfies the condition, and says whether it did in time. */
  until(what: string, condition: (timeline: Timeline) => boolean, within: Duration): Promise<boolean>;
  /** As `until`, for what the experiment counts on: where it waits in vain the run ends there and is inconclusive. */
  need(what: string, condition: (timeline: Timeline) => boolean, within: Duration): Promise<void>;
  /**
   * Asks a node as an operator does. The answer is recorded; a refusal of the engine is an answer that begins with its
   * error code, such as 'ERR Unknown node'; lists and numbers come as JSON. Rejects where no answer came within 5 s.
   */
  ask(node: string, ...command: readonly [string, ...(string | number)[]]): Promise<string>;
  /**
   * As `ask`, for what the experiment counts on: where the engine refuses, the run ends there and is inconclusive. While the
   * engine says that it is loading its data it is told again, for up to 5 s.
   */
  tell(node: string, ...command: readonly [string, ...(string | number)[]]): Promise<string>;
  /** A deed of an operator that belongs to the experiment: nobody takes it back. Recorded with what it printed. */
  perform(command: Command): Promise<CommandResult>;
  /**
   * Carries out the steps of a fault as a deed of the experiment: it is there when the run is judged, and nobody takes it
   * back. Nothing that it costs is excused, and nothing proves that it bites but what the experiment expects.
   */
  enact(fault: Fault): Promise<Pick<ActiveFault, 'plan' | 'nodes'>>;
  /** Writes values of `valueBytes` to keys of this primary's slots until it has `bytes` of them. Clients never touch those keys. */
  fill(node: string, size: { readonly bytes: number; readonly valueBytes: number }): Promise<void>;
  /** From now on this node is known by the id that it says itself: a repaired member that came back under a new one. */
  rename(node: string): Promise<void>;
  note(text: string): void;
}

export function defineExperiment(experiment: Experiment): Experiment {
  return experiment;
}

/** The cluster of this variant: its own items instead of the experiment's, settings one by one. */
export function clusterOf({ cluster = {}, variants }: Experiment, variant: string): ClusterSpec {
  const own = variants[variant]?.cluster ?? {};
  return { ...cluster, ...own, config: { ...cluster.config, ...own.config } };
}

/** What a variant expects on an engine. */
export const expectationOn = ({ expect = {} }: Variant = {}, engine: EngineInfo): Expectation =>
  typeof expect === 'function' ? expect(engine) : expect;
