import type { Command, CommandResult, Host, Hosts, HostState } from '../../src/driver.ts';
import type { Action, Fault, FaultMaker } from '../../src/fault.ts';
import { fromWord, parametersOf } from '../../src/parameter.ts';

/** The fault that a kind's own example describes: what the docs promise is what the tests run. */
export function exampleOf(maker: FaultMaker): {
  readonly target: string;
  readonly parameters: Record<string, unknown>;
  readonly fault: Fault;
} {
  const words = [...maker.kind.example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const infos = parametersOf(maker.kind.parameters);
  let target = '';
  const parameters: Record<string, unknown> = {};
  for (let index = 0; index < words.length; index += 2) {
    const [flag, word = ''] = words.slice(index, index + 2);
    const info = infos.find((candidate) => candidate.flag === flag);
    if (flag === '--target') target = word;
    else if (info) parameters[info.name] = fromWord(word, info);
    else throw new Error(`the example of ${maker.kind.name} uses the unknown flag ${flag}`);
  }
  return { target, parameters, fault: maker(target, parameters as never) };
}

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

/** Hosts that do nothing, write down what they were asked to do, and fail where they are told to. */
export class PaperHosts implements Hosts {
  readonly runId = 'paper';
  readonly reach = 'address';
  readonly subnet = '10.0.0.0/24';
  readonly places = [];
  readonly performed: Command[] = [];
  readonly hosts: readonly Host[];
  readonly #answer: (command: Command) => CommandResult;

  constructor(hosts: readonly Host[], answer: (command: Command) => CommandResult = () => ({ exitCode: 0, output: '' })) {
    this.hosts = hosts;
    this.#answer = answer;
  }

  perform(command: Command): Promise<CommandResult> {
    this.performed.push(command);
    return Promise.resolve(this.#answer(command));
  }

  state = (): Promise<HostState> => Promise.resolve(healthyState);
  write = (): Promise<void> => Promise.resolve();
  start = (): Promise<void> => Promise.resolve();
  follow = (): Promise<Disposable> => Promise.resolve({ [Symbol.dispose]: () => {} });
  fence = (): Promise<void> => Promise.resolve();
  remove = (): Promise<void> => Promise.resolve();
  [Symbol.asyncDispose] = (): Promise<void> => Promise.resolve();
}

/** A guard on paper: what it was told, in the order in which it was told. */
export class PaperGuard {
  readonly registered: Pick<Action, 'undo' | 'residue'>[] = [];
  readonly undone: number[] = [];
  readonly #hosts: PaperHosts;
  /** How many deeds had been done when each undo was registered. */
  readonly doneBefore: number[] = [];

  constructor(hosts: PaperHosts) {
    this.#hosts = hosts;
  }

  register(action: Pick<Action, 'undo' | 'residue'>): Promise<number> {
    this.doneBefore.push(this.#hosts.performed.length);
    return Promise.resolve(this.registered.push(action) - 1);
  }

  undo = (id: number): void => void this.undone.push(id);
}
