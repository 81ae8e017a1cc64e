import type { Driver, Reach } from './driver.ts';
import type { Experiment } from './experiment.ts';
import type { Judgement } from './judge.ts';
import type { TimelineEvent } from './timeline.ts';

export interface RunOptions {
  readonly variant: string;
  readonly seed: number;
  readonly driver: Driver;
  /** Resolved images. */
  readonly image: string;
  readonly toolboxImage: string;
  /** The folder of this run; it is created. */
  readonly folder: string;
  readonly reach: Reach | 'auto';
  readonly keep: boolean;
  readonly subnet?: string;
  /** The command line that repeats this run. */
  readonly command: string;
  readonly signal: AbortSignal;
  /** Called for every event as it is recorded, for live progress. Must not throw. */
  readonly onEvent?: (event: TimelineEvent) => void;
}

export interface RunResult {
  readonly folder: string;
  readonly judgement: Judgement;
}

/** form → steady → disturb → settle → verify → judge. Heals, cleans up and writes the record in every case. */
export declare function runExperiment(experiment: Experiment, options: RunOptions): Promise<RunResult>;
