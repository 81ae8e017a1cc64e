import type { EngineInfo } from './timeline.ts';

/**
 * A deed as data, so that a journal can hold it and another process can carry it out.
 *
 * Scripts for `sh -c` run in one of three places: `toolbox`, in the network namespace of the node beside its engine, or of
 * a place where clients stand, as root with NET_ADMIN and nothing else; `files`, in the same container as the engine's own user, for /data; `engine`, in the
 * engine's container, where $CLI is its command line client. The other deeds are the container engine's own.
 */
export type Command =
  | { readonly run: 'toolbox'; readonly node: string; readonly script: string }
  | { readonly run: 'files'; readonly node: string; readonly script: string }
  | { readonly run: 'engine'; readonly node: string; readonly script: string }
  | { readonly run: 'pause' | 'unpause' | 'start' | 'restart'; readonly node: string }
  /** Fails unless the engine's container runs or is paused: for a condition. */
  | { readonly run: 'alive'; readonly node: string }
  /** SIGTERM, and SIGKILL when the engine has not ended `graceSeconds` later. */
  | { readonly run: 'stop'; readonly node: string; readonly graceSeconds: number }
  /** Sends the signal, and waits for the end of the engine, by default up to 5 s, where the signal is one that ends it. */
  | { readonly run: 'kill'; readonly node: string; readonly signal: string; readonly waitMs?: number }
  /** Limits of the engine's container; null is no limit beyond the machine's own. */
  | { readonly run: 'limit'; readonly node: string; readonly memoryBytes?: number | null; readonly cpus?: number | null }
  /** What the container engine does when the engine process ends by itself. */
  | { readonly run: 'restart-policy'; readonly node: string; readonly policy: 'no' | 'always' }
  /** Prints what differs from these, and nothing when nothing does: a read-back. A list holds whatever will do. */
  | {
      readonly run: 'expect';
      readonly node: string;
      readonly state: { readonly [K in keyof HostState]?: HostState[K] | readonly HostState[K][] };
    }
  /** Prints a HostUsage as JSON. */
  | { readonly run: 'usage'; readonly node: string }
  /** One after the other; the first that fails ends it. Prints what all of them print. */
  | { readonly run: 'sequence'; readonly node: string; readonly commands: readonly Command[] }
  /** At different nodes at the same time. Ends as the first in order that fails; prints what all of them print, in order. */
  | { readonly run: 'together'; readonly node: string; readonly commands: readonly Command[] }
  /** The deed only where the condition ends with 0; otherwise nothing, which is no failure. */
  | { readonly run: 'if'; readonly node: string; readonly condition: Command; readonly deed: Command }
  /** As `files`, but in a container that lives for this command alone and may also change mounts and foreign processes. */
  | { readonly run: 'surgeon'; readonly node: string; readonly script: string };

/** What the container engine knows of a node's engine container. */
export interface HostState {
  readonly status: 'running' | 'paused' | 'exited' | 'restarting' | 'gone';
  /** Stopped by SIGSTOP, which the container engine itself does not notice. */
  readonly stopped: boolean;
  readonly memoryBytes: number | null;
  readonly cpus: number | null;
  readonly policy: 'no' | 'always';
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** How often the restart policy has started it again since it was started last. */
  readonly restarts: number;
  /** When the engine process was last started, by the container engine's clock; 0 when it never was. */
  readonly startedAtEpochMs: number;
}

/** What a node's engine container uses now, by its control group. */
export interface HostUsage {
  readonly memoryBytes: number;
  /** The limit that the kernel has, or the memory of the machine. */
  readonly memoryLimitBytes: number;
  /** Scheduler periods in which it was held back since it was started. */
  readonly throttledPeriods: number;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** How the harness process talks to the nodes: their own addresses, or ports published on this machine. */
export type Reach = 'address' | 'ports';

/** What a client needs to be let in over TLS, as PEM. */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Who a client says it is, to a node that asks; without a user it is the default one. */
export interface Login {
  readonly username?: string;
  readonly password: string;
}

/** One node's place: a container, its address inside the cluster's network, and how we get there. */
export interface Host {
  /** Its host name as well: the resolver of nodes and places knows it. */
  readonly name: string;
  readonly container: string;
  readonly toolbox: string;
  /** 'ip:port' that the nodes use among themselves. */
  readonly address: string;
  /** Where a node reaches everybody outside its network, and what this machine comes from. */
  readonly gateway: string;
  /** What this process connects to. */
  readonly dial: {
    readonly host: string;
    readonly port: number;
    readonly tls?: Identity;
    readonly login?: Login;
    /** Clients are told its name and no address: at a place, they look it up first. */
    readonly byName?: boolean;
    /** Awaited before each connection from a place: rejects where the name leads nowhere, or to somebody else. */
    readonly lookUp?: () => Promise<void>;
  };
  /** What the engine's container may use when no fault limits it; absent where nobody knows, null for no limit. */
  readonly memoryBytes?: number | null;
}

/**
 * Where clients can stand: a host without an engine in the nodes' network. What goes through it reaches a node from its
 * address, so that a fault can part the clients of one place from a node and leave the others.
 */
export interface Place {
  /** client-1 and so on. */
  readonly name: string;
  /** Its IPv4 address in the nodes' network. */
  readonly address: string;
  /**
   * What this process connects to in order to reach the node from this place. The connection is the node's from end to
   * end: refused, reset or silent as the node is, over TLS where the node is. It leads to the address that the node was
   * formed with. With Reach 'ports' the container engine may accept it first and close it when the node refuses.
   */
  dial(host: Host): Host['dial'];
}

export interface HostsSpec {
  readonly runId: string;
  /** How many are called node-1 and so on. */
  readonly count: number;
  /** How many more are called spare-1 and so on. */
  readonly spares?: number;
  /** How many places there are beside, called client-1 and so on. */
  readonly places?: number;
  readonly image: string;
  readonly toolboxImage: string;
  readonly reach: Reach | 'auto';
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly subnet?: string;
  /** Kept on purpose: the guard and `sweep` leave it alone. */
  readonly kept: boolean;
}

export interface LogLine {
  readonly node: string;
  /** Epoch ms: the engine's own stamp, or the container engine's where the line has none. */
  readonly epochMs: number;
  readonly text: string;
}

/**
 * The parts of a run that exist in the container engine. Created first (networks, volumes, toolboxes), so that every
 * address is known before a container starts; everything carries the run's label.
 */
export interface Hosts extends AsyncDisposable {
  readonly runId: string;
  readonly hosts: readonly Host[];
  readonly places: readonly Place[];
  readonly reach: Reach;
  readonly subnet: string;
  /**
   * Starts the engine processes, each as soon as its host is there, its files written before by their paths in its data
   * directory. Resolves when all of them run and every place passes connections on.
   */
  start(
    of: (host: Host) => { readonly files: Readonly<Record<string, string>>; readonly argv: readonly string[] },
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * Makes ready that in which these commands run, so that those at several nodes begin together. Never fails: a command that
   * cannot be carried out says so itself.
   */
  prepare(commands: readonly Command[]): Promise<void>;
  /** Carries a command out. Bounded in time: a node that is paused or gone makes it fail, never hang. */
  perform(command: Command): Promise<CommandResult>;
  /** What the container engine knows of the node's engine container now. */
  state(node: string): Promise<HostState>;
  /** Follows the engines' logs and exits until closed; expected is an exit that a command of ours caused. Lines of one node keep their order. */
  follow(on: { line(line: LogLine): void; exit(node: string, exitCode: number, expected: boolean): void }): Promise<Disposable>;
  /**
   * Ends the shells that another process, now dead, left where these commands run, so that none of its deeds lands after
   * its undo.
   */
  fence(pid: number, commands: readonly Command[]): Promise<void>;
  /** Removes everything of this run and proves it gone. Idempotent. */
  remove(): Promise<void>;
}

/** What a toolbox may use beside the data volume that it keeps. */
export const toolboxMemoryMb = 64;

export interface Driver {
  readonly name: string;
  readonly version: string;
  /** Reads the engine's kind and version from the image; throws when it holds neither Redis nor Valkey. */
  identify(image: string, runId: string): Promise<EngineInfo>;
  /** Runs one script in a fresh container of this image, without a network, and removes it. */
  consult(image: string, runId: string, script: string): Promise<CommandResult>;
  provision(spec: HostsSpec, signal?: AbortSignal): Promise<Hosts>;
  /** The hosts of a run that another process provisioned, as far as they still exist. */
  adopt(runId: string): Promise<Hosts>;
  /** Everything with our label, by run. */
  leftovers(): Promise<readonly Leftover[]>;
}

export interface Leftover {
  readonly runId: string;
  readonly kept: boolean;
  /** The process that made it still lives on this machine. */
  readonly inUse: boolean;
  readonly resources: readonly { readonly kind: 'container' | 'volume' | 'network'; readonly name: string }[];
}

/** Runs a script; it must end by itself. */
export const toolbox = (node: string, script: string): Command => ({ run: 'toolbox', node, script });
export const files = (node: string, script: string): Command => ({ run: 'files', node, script });
export const engine = (node: string, script: string): Command => ({ run: 'engine', node, script });

/** The address of a node or a place without a port. */
export const ipOf = ({ address }: Pick<Host | Place, 'address'>): string => address.split(':')[0] ?? '';

/** What peers may list a node as and redirects may lead to: 'ip:port' and 'name:port'. */
export const namesOf = ({ name, address }: Pick<Host, 'name' | 'address'>): readonly [string, string] => [
  address,
  `${name}:${address.split(':')[1]}`,
];

/** The host as clients at this place reach it: `connectNode(through(place, node), …)`. */
export const through = <H extends Host>(place: Place, host: H): H => ({ ...host, dial: place.dial(host) });
