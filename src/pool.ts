import { availableParallelism } from 'node:os';

/** Work that can go on beside other work, as long as there is memory for all of it. */
export interface Job<T> {
  readonly name: string;
  /** The most that it takes while it runs. */
  readonly memoryBytes: number;
  /** When the signal aborts it ends in its own orderly way; it settles only when nothing of it is left. */
  run(signal: AbortSignal, turn: Turn): Promise<T>;
}

/**
 * How a job lets the next one prepare while it still runs, so that the next need not begin from nothing. One that asks for
 * no turn has it from its start to its end.
 */
export interface Turn {
  /** Awaited when all is prepared. Rejects when the signal aborts. */
  take(signal: AbortSignal): Promise<void>;
  /** Nothing is measured any more that somebody's preparations could disturb. */
  spare(): void;
  /** What is left to do, nobody has to wait for. */
  over(): void;
}

export type Done<T> = { readonly job: Job<T> } & ({ readonly value: T } | { readonly error: unknown });

export interface PoolOptions<T> {
  readonly atOnce: number;
  /** What all jobs that run at a time may take together. */
  readonly memoryBytes: number;
  readonly signal: AbortSignal;
  /** Called as each job ends. Must not throw. */
  readonly onDone?: (done: Done<T>) => void;
}

/**
 * Runs all jobs, as many at a time as fit, and resolves when every one has ended, in the order of the jobs. For each that
 * spares its neighbours one more prepares. One that fails ends nobody else. A job that is too big for the room there runs all
 * alone. After an abort none is started.
 */
export async function runPool<T>(
  jobs: readonly Job<T>[],
  { atOnce, memoryBytes, signal, onDone }: PoolOptions<T>,
): Promise<readonly Done<T>[]> {
  const ended = new Map<Job<T>, Done<T>>();
  const running = new Map<Job<T>, Stand>();
  const waiting = [...jobs];
  const most = Math.max(1, atOnce);
  const count = (...states: readonly Stand['state'][]): number =>
    [...running.values()].filter(({ state }) => states.includes(state)).length;
  const taken = (): number => [...running.keys()].reduce((sum, job) => sum + job.memoryBytes, 0);
  const fits = (job: Job<T>): boolean => running.size === 0 || taken() + job.memoryBytes <= memoryBytes;
  const next = (): Job<T> | undefined => (count('preparing', 'prepared', 'its turn') < most ? waiting.find(fits) : undefined);
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const end = (done: Done<T>): void => {
    ended.set(done.job, done);
    running.delete(done.job);
    onDone?.(done);
  };
  const goOn = (): void => {
    if (signal.aborted) for (const job of waiting.splice(0)) end({ job, error: signal.reason });
    for (const stand of running.values()) if (stand.state === 'prepared' && count('its turn', 'spared') < most) stand.go();
    for (let job = next(); job !== undefined; job = next()) {
      waiting.splice(waiting.indexOf(job), 1);
      start(job);
    }
    if (waiting.length + running.size === 0) resolve();
  };
  const start = (job: Job<T>): void => {
    const stand = new Stand(goOn);
    running.set(job, stand);
    void Promise.try(() => job.run(signal, stand))
      .then(
        (value) => end({ job, value }),
        (error: unknown) => end({ job, error }),
      )
      .then(goOn);
  };
  goOn();
  await all;
  return jobs.map((job) => ended.get(job) as Done<T>);
}

/** How far a job has come. */
class Stand implements Turn {
  state: 'preparing' | 'prepared' | 'its turn' | 'spared' | 'over' = 'preparing';
  readonly #turn = Promise.withResolvers<void>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  go(): void {
    this.state = 'its turn';
    this.#turn.resolve();
  }

  async take(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#turn.reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    this.#turn.promise.catch(() => {});
    this.#become('prepared');
    await this.#turn.promise.finally(() => signal.removeEventListener('abort', stop));
  }

  spare(): void {
    this.#become('spared');
  }

  over(): void {
    this.#become('over');
  }

  #become(state: Stand['state']): void {
    this.state = state;
    this.#changed();
  }
}

/**
 * The room on this machine: as many go on at a time as there are cores, for the next one is prepared beside them, and a fifth
 * of the free memory stays free. On two cores a third run made all of them longer, and none of them ended sooner.
 */
export const roomHere = (): { readonly atOnce: number; readonly memoryBytes: number } => ({
  atOnce: availableParallelism(),
  memoryBytes: Math.floor(process.availableMemory() * 0.8),
});
