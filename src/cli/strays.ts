import { exitCode, messageOf, SlotquakeError } from '../base/errors.ts';
import { placeIn } from '../place-in.ts';
import { ExperimentError } from '../play.ts';

/**
 * What the code of an experiment can do behind the back of its run: reject a promise that nobody awaits, throw in a timer, end the
 * process. The first two are told to `onError`, which ends the runs in their orderly way. Whoever ends the process gets exit 3 and a
 * sentence, whatever code was asked for, since no verdict was reached; the guard does the rest.
 */
export function catchStrays(onError: (error: Error) => void): Disposable {
  const told = (what: string) => (error: unknown) => {
    const where = placeIn(error);
    // Ours have their sentence already.
    if (error instanceof SlotquakeError) onError(error);
    else onError(new ExperimentError(`${what}${where === undefined ? '' : ` at ${where}`}: ${messageOf(error)}`, { cause: error }));
  };
  const rejected = told('a promise of the experiment that nobody awaits was rejected');
  const thrown = told('the experiment threw an error where nobody catches it');
  const left = (code: number): void => {
    console.error(
      `slotquake: the process was ended with process.exit(${code}) before the run had a verdict; its guard heals and removes everything`,
    );
    process.exitCode = exitCode.harnessFailed;
  };
  process.on('unhandledRejection', rejected);
  process.on('uncaughtException', thrown);
  process.on('exit', left);
  return {
    [Symbol.dispose]: () => {
      process.off('unhandledRejection', rejected);
      process.off('uncaughtException', thrown);
      process.off('exit', left);
    },
  };
}
