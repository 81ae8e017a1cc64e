import { setTimeout as delay } from 'node:timers/promises';
import pRetry, { AbortError } from 'p-retry';
import { formatMs } from './duration.ts';
import { SlotquakeError } from './errors.ts';

/** Thrown by a poll's attempt when waiting longer cannot help. */
export { AbortError as Hopeless };

/**
 * Asks again and again until the answer is neither undefined nor a thrown error, or the deadline passes.
 * An attempt says what is still missing by throwing; the last such message ends up in the SlotquakeError.
 */
export async function poll<T>(
  what: string,
  attempt: () => Promise<T> | T,
  { withinMs, everyMs = 50, signal }: { readonly withinMs: number; readonly everyMs?: number; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let lacking = 'it was not asked once';
  try {
    return await pRetry(
      async () => {
        try {
          return await attempt();
        } catch (error) {
          if (error instanceof AbortError) throw error;
          lacking = error instanceof Error ? error.message : String(error);
          if (performance.now() >= deadline) throw new AbortError(lacking);
          throw new Error(lacking, { cause: error });
        }
      },
      { retries: Number.POSITIVE_INFINITY, factor: 1, minTimeout: everyMs, maxTimeout: everyMs, ...(signal ? { signal } : {}) },
    );
  } catch (error) {
    signal?.throwIfAborted();
    const reason = (error instanceof Error ? error.message : lacking) || 'nothing was said of it';
    throw new SlotquakeError(`waited ${formatMs(withinMs)} for ${what}, still lacking: ${reason}`, { cause: error });
  }
}

/** The promise's value, or an error once the time is up. What the promise does afterwards is ignored. */
export async function within<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise,
      delay(ms, undefined, { signal: timer.signal }).then(() => {
        throw new SlotquakeError(`${what} took longer than ${formatMs(ms)}`);
      }),
    ]);
  } finally {
    timer.abort();
    promise.catch(() => {});
  }
}

/** Sleeps, and rejects at once when the signal aborts. */
export async function sleepMs(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {});
}
