import type { EngineInfo } from './timeline.ts';

/**
 * A deed as data, so that a journal can hold it and another process can carry it out.
 * `toolbox` runs inside the node's network namespace beside the engine, with NET_ADMIN and nothing else.
 */
export type Command =
  | { readonly run: 'toolbox'; readonly node: string; readonly argv: readonly string[] }
  | { readonly run: 'pause' | 'unpause' | 'kill' | 'start'; readonly node: string };

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** How the harness process talks to the nodes: their own addresses, or ports published on this machine. */
export type Reach = 'address' | 'ports';

/** One node's place: a container, its address inside the cluster's network, and how we get there. */
export interface Host {
  readonly name: string;
  readonly container: string;
  readonly toolbox: string;
  /** 'ip:port' that the nodes use among themselves. */
  readonly address: string;
  /** What this process connects to. */
  readonly dial: { readonly host: string; readonly port: number };
}

export interface HostsSpec {
  readonly runId: string;
  readonly count: number;
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
 * address is known before an engine process starts; everything carries the run's label.
 */
export interface Hosts extends AsyncDisposable {
  readonly runId: string;
  readonly hosts: readonly Host[];
  readonly reach: Reach;
  readonly subnet: string;
  /** Writes a file into the node's data directory before or while the engine runs. */
  write(node: string, file: string, content: string): Promise<void>;
  /** Starts the engine processes with these arguments, all together. */
  start(argv: (host: Host) => readonly string[]): Promise<void>;
  perform(command: Command): Promise<CommandResult>;
  /** Follows the engines' logs and exits until closed. Lines of one node keep their order. */
  follow(on: { line(line: LogLine): void; exit(node: string, exitCode: number): void }): Promise<Disposable>;
  /** Ends whatever another process left running in the toolboxes, so that none of its deeds can land after an undo. */
  fence(): Promise<void>;
  /** Removes everything of this run and proves it gone. Idempotent. */
  remove(): Promise<void>;
}

export interface Driver {
  readonly name: string;
  readonly version: string;
  /** Reads the engine's kind and version from the image; throws when it holds neither Redis nor Valkey. */
  identify(image: string, runId: string): Promise<EngineInfo>;
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
