import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { formatMs } from './base/duration.ts';
import { AbortedError, InconclusiveError, messageOf, SlotquakeError } from './base/errors.ts';
import type { Stage } from './experiment.ts';
import { placeIn } from './place-in.ts';
import { watchMainThread } from './watchdog.ts';

/** What the code of an experiment got wrong: it says where. Exit 3. */
export class ExperimentError extends SlotquakeError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'ExperimentError';
  }
}

/** An assertion of the experiment's own that did not hold, made with node:assert, vitest or the like. */
export class AssertionFailed extends SlotquakeError {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionFailed';
  }
}

/** After an abort the experiment's code has so long to unwind, and to heal in its own order; then it is left behind. */
const unwindWithinMs = 5_000;

/** Code that works so long without an await stands in the way of everything, the healing included. */
const busyMs = 20_000;

export interface Play {
  readonly part: 'prepare' | 'disturb';
  /** How long it may take, whatever it waits for. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/**
 * Carries out what somebody else wrote. Whatever it awaits, it ends with the signal and when the time is up; what it throws is said
 * with the line where it was thrown. Code that never gives way is ended with its process (watchdog.ts).
 */
export async function play(code: () => Promise<void>, { part, withinMs, signal }: Play): Promise<void> {
  signal.throwIfAborted();
  const givesWayMs = Math.min(withinMs, busyMs);
  using _ = watchMainThread(
    givesWayMs,
    `slotquake: ${part} of the experiment did not give way for ${formatMs(givesWayMs)}, as in a loop without an await; the process was ended, and its guard heals and removes everything`,
  );
  const over = new AbortController();
  const played = Promise.try(code);
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: over.signal });
  });
  const late = delay(withinMs, undefined, { signal: over.signal }).then(() => {
    throw new ExperimentError(
      `${part} of the experiment was not over after ${formatMs(withinMs)}: it waits for something that does not come; \`timeout\` in the experiment, or --timeout, says how long it may take`,
    );
  });
  late.catch(() => {});
  try {
    await Promise.race([played, aborted, late]);
  } catch (error) {
    if (signal.aborted) await Promise.race([played.catch(() => {}), delay(unwindWithinMs)]);
    throw signal.aborted ? signal.reason : told(error, part);
  } finally {
    over.abort();
    played.catch(() => {});
  }
}

const isAssertion = (error: unknown): error is Error =>
  error instanceof Error && (error.name === 'AssertionError' || (error as { code?: unknown }).code === 'ERR_ASSERTION');

/** The same as an error for people. */
function told(error: unknown, part: string): Error {
  if (error instanceof ExperimentError || error instanceof AbortedError || error instanceof InconclusiveError) return error;
  const where = placeIn(error);
  const at = where === undefined ? '' : ` at ${where}`;
  // Ours say what is wrong already, and how the process ends.
  if (error instanceof SlotquakeError)
    return where === undefined
      ? error
      : new SlotquakeError(`${messageOf(error)} (at ${where})`, { cause: error, exitCode: error.exitCode });
  if (isAssertion(error)) return new AssertionFailed(`the experiment asserts${at}: ${firstLine(messageOf(error))}`);
  const what = error instanceof Error ? messageOf(error) : `${inspect(error)} was thrown, which is no error and tells no line`;
  return new ExperimentError(`${part} of the experiment failed${at}: ${what}`, { cause: error });
}

const firstLine = (text: string): string => text.split('\n').find((line) => line.trim() !== '') ?? text;

/** What changes something: it must be over when the experiment's code is. */
const deeds = ['inject', 'enact', 'perform', 'tell', 'fill', 'rename'] as const;
const others = ['ask', 'sleep', 'until', 'need'] as const;

/**
 * A stage that is there until the curtain falls. What is done later, or was not waited for, would land among what is judged: it is
 * refused, and `onLate` hears of it.
 */
export function curtained(stage: Stage, onLate: (error: ExperimentError) => void): { readonly stage: Stage; fall(): void } {
  let fallen = false;
  const underWay: string[] = [];
  const late = (name: string, what: string): ExperimentError => {
    const error = new ExperimentError(`${name} was ${what} when disturb returned: \`await\` whatever it starts${placeAfter()}`);
    onLate(error);
    return error;
  };
  const own = {} as Record<string, unknown>;
  for (const name of [...deeds, ...others]) {
    const deed = stage[name] as (...args: unknown[]) => Promise<unknown>;
    own[name] = async (...args: unknown[]): Promise<unknown> => {
      if (fallen) throw late(name, 'called only');
      if (!(deeds as readonly string[]).includes(name)) return deed(...args);
      underWay.push(name);
      try {
        return await deed(...args);
      } finally {
        underWay.splice(underWay.indexOf(name), 1);
      }
    };
  }
  return {
    // The cluster is another one after a rename: it is asked of the stage itself.
    stage: new Proxy(stage, { get: (target, name) => (typeof name === 'string' && name in own ? own[name] : Reflect.get(target, name)) }),
    fall: () => {
      fallen = true;
      const [name] = underWay;
      if (name !== undefined) throw late(name, 'still under way');
    },
  };
}

function placeAfter(): string {
  const where = placeIn(new Error('here'));
  return where === undefined ? '' : ` (${where})`;
}
