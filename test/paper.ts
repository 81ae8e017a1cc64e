import { seededRandom } from '../src/base/random.ts';
import type { Cluster } from '../src/cluster.ts';
import type { Command, CommandResult, Host, Hosts, HostState } from '../src/driver.ts';
import { type Deed, interpret, type Script } from '../src/driver/interpreter.ts';
import type { Action } from '../src/fault.ts';
import type { GuardLink } from '../src/guarded.ts';
import { Injector } from '../src/inject.ts';
import type { Happening, TimelineEvent } from '../src/timeline.ts';
import { paperCluster } from './fault/planned.ts';

/*
 * What the harness works on, on paper: it does nothing, writes down what was asked of it, and fails where it is told to.
 * Tests replace a method where they want it otherwise.
 */

export const healthyState: HostState = {
  status: 'running',
  stopped: false,
  memoryBytes: null,
  cpus: null,
  policy: 'no',
  exitCode: 0,
  outOfMemory: false,
  restarts: 0,
  startedAtEpochMs: 0,
};

export const fine: CommandResult = { exitCode: 0, output: '' };
export const script = (node: string, text: string): Script => ({ run: 'toolbox', node, script: text });

/** What a promise rejects with; undefined where it does not. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** The answer to a command; none where the interpreter of all drivers is to carry it out, and a part of it is then asked next. */
export type Answer = (command: Command) => CommandResult | Promise<CommandResult> | undefined;

export class PaperHosts implements Hosts {
  readonly runId = 'paper';
  readonly reach = 'address';
  readonly subnet = '10.0.0.0/24';
  readonly places = [];
  readonly prepared: Command[] = [];
  /** As they came, and what they came to. */
  readonly performed: Command[] = [];
  readonly carriedOut: (Script | Deed)[] = [];
  readonly hosts: readonly Host[];
  readonly #answer: Answer;

  constructor(hosts: readonly Host[] = [], answer: Answer = () => undefined) {
    this.hosts = hosts;
    this.#answer = answer;
  }

  async prepare(commands: readonly Command[]): Promise<void> {
    if (this.performed.length === 0) this.prepared.push(...commands);
  }

  async perform(command: Command): Promise<CommandResult> {
    this.performed.push(command);
    const carryOut = async (part: Script | Deed): Promise<CommandResult> => {
      this.carriedOut.push(part);
      return (await this.#answer(part)) ?? fine;
    };
    const isWhole = ['if', 'sequence', 'together', 'alive'].includes(command.run);
    return (
      (isWhole && (await this.#answer(command))) ||
      interpret(command, { script: carryOut, deed: carryOut, status: async (node) => (await this.state(node)).status })
    );
  }

  state: Hosts['state'] = () => Promise.resolve(healthyState);
  start: Hosts['start'] = () => Promise.resolve();
  follow: Hosts['follow'] = () => Promise.resolve({ [Symbol.dispose]: () => {} });
  fence: Hosts['fence'] = () => Promise.resolve();
  remove: Hosts['remove'] = () => Promise.resolve();
  [Symbol.asyncDispose] = (): Promise<void> => Promise.resolve();
}

/** What it was told, in the order in which it was told. */
export class PaperGuard {
  readonly registered: Pick<Action, 'undo' | 'residue' | 'healWithinMs'>[] = [];
  readonly takenBack: number[] = [];
  /** How many deeds had been done when each undo was registered. */
  readonly doneBefore: number[] = [];
  readonly #hosts: PaperHosts;

  constructor(hosts: PaperHosts) {
    this.#hosts = hosts;
  }

  register: GuardLink['register'] = (action) => {
    this.doneBefore.push(this.#hosts.performed.length);
    return Promise.resolve(this.registered.push(action) - 1);
  };

  undone: GuardLink['undone'] = (id) => void this.takenBack.push(id);
}

/** A record that is kept in memory only. */
export class PaperRecorder {
  readonly events: TimelineEvent[] = [];
  readonly epochMs = Date.now();
  readonly #origin = performance.now();

  nowMs = (): number => performance.now() - this.#origin;
  record = (happening: Happening): TimelineEvent => {
    const event = { seq: this.events.length, atMs: this.nowMs(), ...happening } as TimelineEvent;
    this.events.push(event);
    return event;
  };
}

export interface PaperInjection {
  readonly answer?: Answer;
  readonly planned?: ConstructorParameters<typeof Injector>[0]['planned'];
  readonly observer?: Partial<ConstructorParameters<typeof Injector>[0]['observer']>;
}

/** An injector with everything on paper. */
export function paperInjector({ answer, planned, observer }: PaperInjection = {}) {
  const paper = paperCluster();
  const hosts = new PaperHosts([...paper.nodes, ...(paper.spares ?? [])], answer);
  const cluster: Cluster = { ...paper, hosts };
  const guard = new PaperGuard(hosts);
  const recorder = new PaperRecorder();
  const injector = new Injector({
    cluster,
    recorder,
    observer: {
      latest: (() => new Map([['node-1', paper.topology]])) as never,
      silentMs: () => 0,
      round: () => Promise.resolve(),
      ...observer,
    },
    guard,
    random: seededRandom(7),
    tagOf: (id) => `paper-${id}`,
    ...(planned ? { planned } : {}),
  });
  return { injector, hosts, guard, recorder, cluster };
}
