import type { Json } from './base/json.ts';
import type { Random } from './base/random.ts';
import type { Cluster } from './cluster.ts';
import type { Command, CommandResult } from './driver.ts';
import type { Exposure } from './timeline.ts';
import type { TopologyView } from './timeline/observation.ts';

/** One step and the way back. `undo` must work from any state, also when the step was never or only half done. */
export interface Action {
  readonly do: Command;
  readonly undo: Command;
  /** Reads back what is left of the step: exit 0 and no output when nothing is. */
  readonly residue: Command;
}

export type Evidence = { readonly bites: true; readonly because: readonly string[] } | { readonly bites: false; readonly because: string };

/** What `effect` may look at: it reads, it never changes. */
export interface Witness {
  read(command: Command): Promise<CommandResult>;
  /** The newest topology each node has told a probe. */
  views(): ReadonlyMap<string, TopologyView>;
  /** Epoch ms of the moment the fault took hold. */
  readonly sinceEpochMs: number;
}

/** A fault is data: whom, what, how to undo it, how to see it. It acts only through `inject.ts`. */
export interface Fault<Plan extends Json = Json> {
  readonly name: string;
  /** Chooses the victims: pure, and the same for the same seed. Throws a UsageError for a target that cannot be met. */
  plan(cluster: Cluster, topology: TopologyView, random: Random): { readonly plan: Plan; readonly nodes: readonly string[] };
  /** How the victims may lose acknowledged writes. */
  exposes(plan: Plan): readonly Exposure[];
  /** Pure. `tag` is unique in the run and safe in a chain name. */
  actions(plan: Plan, tag: string): readonly Action[];
  effect(plan: Plan, tag: string, witness: Witness): Promise<Evidence>;
}

export interface ActiveFault extends AsyncDisposable {
  readonly id: number;
  readonly plan: Json;
  heal(): Promise<void>;
}
