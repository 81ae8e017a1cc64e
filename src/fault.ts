import type * as z from 'zod';
import type { Json } from './base/json.ts';
import { UsageError } from './base/errors.ts';
import type { Random } from './base/random.ts';
import type { Cluster, Node } from './cluster.ts';
import { select } from './cluster/select.ts';
import { type Command, type CommandResult, type HostState, ipOf, type Place, toolbox } from './driver.ts';
import { parseParameters } from './parameter.ts';
import type { Exposure } from './timeline.ts';
import type { TopologyView } from './timeline/observation.ts';

/** One step and the way back. `undo` must work from any state, also when the step was never or only half done. */
export interface Action {
  readonly do: Command;
  readonly undo: Command;
  /** Reads back what is left of the step: exit 0 and no output when nothing is. */
  readonly residue: Command;
  /** How long undo and read-back may take together where that is longer than usual. */
  readonly healWithinMs?: number;
}

export type Evidence = { readonly bites: true; readonly because: readonly string[] } | { readonly bites: false; readonly because: string };

/** What `effect` may look at: it reads, it never changes. */
export interface Witness {
  read(command: Command): Promise<CommandResult>;
  state(node: string): Promise<HostState>;
  /** The newest topology each node has told a probe since the fault took hold. */
  views(): ReadonlyMap<string, TopologyView>;
  /** For how long the node has answered no PING; 0 when its newest one was answered. */
  silentMs(node: string): number;
  /** Epoch ms of the moment before its first step. */
  readonly fromEpochMs: number;
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
  /** Pure. `tag` is unique among the faults of a node and safe in a chain name: at most 12 characters of a-z, 0-9 and -. */
  actions(plan: Plan, tag: string): readonly Action[];
  effect(plan: Plan, tag: string, witness: Witness): Promise<Evidence>;
}

export interface ActiveFault extends AsyncDisposable {
  readonly id: number;
  readonly plan: Json;
  readonly nodes: readonly string[];
  heal(): Promise<void>;
}

/** What a plan is made from: everything is read at this moment, nothing is touched. */
export interface Planning {
  readonly cluster: Cluster;
  readonly topology: TopologyView;
  readonly random: Random;
  /** The nodes that the target means. */
  readonly victims: readonly Node[];
  /** The nodes that another target means; 'everyone else' is everyone but the victims. */
  select(target: string): Node[];
}

/** A kind of fault, as one file of `fault/` defines it. The texts go into the docs and the command line as they stand. */
export interface FaultKind<S extends z.ZodObject, Plan extends Json> {
  readonly name: string;
  /** What it does to people, in half a sentence. */
  readonly about: string;
  /** What it does in the kernel or the engine. */
  readonly mechanism: string;
  /** What shows that it bites. */
  readonly evidence: string;
  /** How it is taken back. */
  readonly undo: string;
  /** Flags of an example: `slotquake inject <name> <example>`. */
  readonly example: string;
  readonly parameters: S;
  plan(parameters: z.output<S>, planning: Planning): Plan;
  exposes?(plan: Plan): readonly Exposure[];
  actions(plan: Plan, tag: string): readonly Action[];
  effect(plan: Plan, tag: string, witness: Witness): Promise<Evidence>;
}

/** A kind of fault as people use it: called with a target and parameters, it gives a fault to inject. */
export interface FaultMaker<S extends z.ZodObject = z.ZodObject, Plan extends Json = Json> {
  (target: string, parameters?: z.input<S>): Fault<Plan>;
  readonly kind: FaultKind<S, Plan>;
}

/**
 * Makes a kind of fault usable: parameters are checked at once, the target when it is planned, and every plan names its
 * nodes.
 */
export function defineFault<S extends z.ZodObject, Plan extends { readonly nodes: readonly string[] } & Json>(
  kind: FaultKind<S, Plan>,
): FaultMaker<S, Plan> {
  const make = (target: string, given: z.input<S> = {} as z.input<S>): Fault<Plan> => {
    const parameters = parseParameters(`the fault ${kind.name}`, kind.parameters, given);
    return {
      name: kind.name,
      plan(cluster, topology, random) {
        const victims = select(target, cluster, topology, random);
        const plan = kind.plan(parameters, {
          cluster,
          topology,
          random,
          victims,
          select: (other) => select(other, cluster, topology, random, victims),
        });
        return { plan, nodes: plan.nodes };
      },
      exposes: (plan) => kind.exposes?.(plan) ?? [],
      actions: (plan, tag) => kind.actions(plan, tag),
      effect: (plan, tag, witness) => kind.effect(plan, tag, witness),
    };
  };
  return Object.assign(make, { kind });
}

/** What each node shows, all of it together: it bites only where it bites everywhere. */
export async function everywhere(nodes: readonly string[], look: (node: string, index: number) => Promise<Evidence>): Promise<Evidence> {
  const because: string[] = [];
  for (const [index, node] of nodes.entries()) {
    const evidence = await look(node, index);
    if (!evidence.bites) return evidence;
    because.push(...evidence.because);
  }
  return { bites: true, because };
}

export const bites = (...because: readonly string[]): Evidence => ({ bites: true, because });
export const misses = (because: string): Evidence => ({ bites: false, because });

/** For each victim the addresses of those whose traffic is meant, itself left out; 'everyone' is more than can be named. */
export function peersOf(whose: string, { victims, select: selectNodes }: Planning): Record<string, string[] | 'all'> {
  const chosen = whose === 'everyone' ? null : selectNodes(whose);
  return Object.fromEntries(
    victims.map((victim) => [victim.name, chosen ? chosen.filter((peer) => peer !== victim).map(ipOf) : ('all' as const)]),
  );
}

/**
 * The addresses of the places on the target's side, which `withTarget` names, and of all others; none at all where it
 * names none, for then clients reach both sides. Throws a UsageError for a place that there is not.
 */
export function placesApart(withTarget: string | undefined, { cluster }: Planning): { readonly ours: string[]; readonly theirs: string[] } {
  if (withTarget === undefined) return { ours: [], theirs: [] };
  const named = placesNamed(withTarget, { cluster });
  const side = (ours: boolean): string[] => cluster.places.filter((place) => named.includes(place) === ours).map(ipOf);
  return { ours: side(true), theirs: side(false) };
}

/** The places of 'client-1, client-2'; none where nothing is said. Throws a UsageError for a place that there is not. */
export function placesNamed(list: string | undefined, { cluster }: Pick<Planning, 'cluster'>): Place[] {
  const names = list === undefined ? [] : list.split(/\s*,\s*|\s+and\s+/).map((name) => name.trim());
  const stranger = names.find((name) => !cluster.places.some((place) => place.name === name));
  if (stranger !== undefined)
    throw new UsageError(
      cluster.places.length === 0
        ? `the cluster has no place ${stranger}, nor any other; ask for some with places: 2 in the cluster of the experiment`
        : `the cluster has no place ${stranger}; its places are ${cluster.places.map(({ name }) => name).join(', ')}`,
    );
  return cluster.places.filter(({ name }) => names.includes(name));
}

/** A step whose three scripts run in the node's toolbox. */
export const scripted = (node: string, { do: deed, undo, residue }: Readonly<Record<'do' | 'undo' | 'residue', string>>): Action => ({
  do: toolbox(node, deed),
  undo: toolbox(node, undo),
  residue: toolbox(node, residue),
});
