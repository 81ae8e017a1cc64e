import { availableParallelism } from 'node:os';

/** Work that can go on beside other work, as long as there is memory for all of it. */
export interface Job<T> {
  readonly name: string;
  /** The most that it takes while it runs. */
  readonly memoryBytes: number;
  /** When the signal aborts it ends in its own orderly way; it settles only when nothing of it is left. */
  run(signal: AbortSignal): Promise<T>;
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
 * Runs all jobs, as many at a time as fit, and resolves when every one has ended, in the order of the jobs. One that
 * fails ends nobody else. A job that is too big for the room there is runs all alone. After an abort none is started.
 */
export async function runPool<T>(
  jobs: readonly Job<T>[],
  { atOnce, memoryBytes, signal, onDone }: PoolOptions<T>,
): Promise<readonly Done<T>[]> {
  const ended = new Map<Job<T>, Done<T>>();
  const running = new Map<Job<T>, Promise<void>>();
  const waiting = [...jobs];
  const taken = (): number => [...running.keys()].reduce((sum, job) => sum + job.memoryBytes, 0);
  const fits = (job: Job<T>): boolean => running.size === 0 || taken() + job.memoryBytes <= memoryBytes;
  const next = (): Job<T> | undefined => (running.size < Math.max(1, atOnce) ? waiting.find(fits) : undefined);
  const end = (done: Done<T>): void => {
    ended.set(done.job, done);
    running.delete(done.job);
    onDone?.(done);
  };
  const start = (job: Job<T>): Promise<void> =>
    Promise.try(() => job.run(signal)).then(
      (value) => end({ job, value }),
      (error: unknown) => end({ job, error }),
    );
  while (waiting.length + running.size > 0) {
    if (signal.aborted) for (const job of waiting.splice(0)) end({ job, error: signal.reason });
    for (let job = next(); job !== undefined; job = next()) {
      waiting.splice(waiting.indexOf(job), 1);
      running.set(job, start(job));
    }
    if (running.size > 0) await Promise.race(running.values());
  }
  return jobs.map((job) => ended.get(job) as Done<T>);
}

/**
 * The room on this machine: a run waits more than it computes, so one more than there are cores go on at a time, and a
 * fifth of the free memory stays free.
 */
export const roomHere = (): { readonly atOnce: number; readonly memoryBytes: number } => ({
  atOnce: availableParallelism() + 1,
  memoryBytes: Math.floor(process.availableMemory() * 0.8),
});
