import { type ExitCode, exitCode, SlotquakeError } from '../base/errors.ts';
import type { Verdict } from '../judge.ts';

const codes: Readonly<Record<Verdict, ExitCode>> = {
  'as-expected': exitCode.asExpected,
  'not-as-expected': exitCode.notAsExpected,
  inconclusive: exitCode.inconclusive,
  aborted: exitCode.aborted,
  'harness-failed': exitCode.harnessFailed,
};
/** The worst decides; a run that was stopped outranks them all. */
const severity: readonly ExitCode[] = [
  exitCode.asExpected,
  exitCode.inconclusive,
  exitCode.notAsExpected,
  exitCode.harnessFailed,
  exitCode.badUsage,
  exitCode.aborted,
];

/** How a process ends on this; what is no error of ours is a defect. */
export const codeOfError = (error: unknown): ExitCode => (error instanceof SlotquakeError ? error.exitCode : exitCode.harnessFailed);

/** How a run ends: an error that was meant for people says it, or else the verdict. */
export const codeOfRun = ({
  judgement,
  error,
}: {
  readonly judgement: { readonly verdict: Verdict };
  readonly error?: unknown;
}): ExitCode => (error instanceof SlotquakeError ? error.exitCode : codes[judgement.verdict]);

/** How the second judgement of a record ends: that of a run that never came to its end says nothing, nor does one of half a record. */
export function codeOfCheck(verdict: Verdict, defects: readonly string[]): ExitCode {
  if (verdict === 'as-expected') return defects.length > 0 ? exitCode.inconclusive : exitCode.asExpected;
  return verdict === 'not-as-expected' ? exitCode.notAsExpected : exitCode.inconclusive;
}

export const worse = (one: ExitCode, other: ExitCode): ExitCode => (severity.indexOf(other) > severity.indexOf(one) ? other : one);
