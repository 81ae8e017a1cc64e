import { existsSync } from 'node:fs';
import path from 'node:path';
import { type ExitCode, exitCode, messageOf, SlotquakeError, UsageError } from '../base/errors.ts';
import type { Consistency } from '../consistency.ts';
import { allInvariants } from '../invariants.ts';
import { examine } from '../examine.ts';
import { type Judgement, judge } from '../judge.ts';
import { writeReport } from '../report.ts';
import { textReport } from '../report/text.ts';
import { readTimeline } from '../timeline/timeline.ts';
import { codeOfCheck } from './exit-code.ts';

async function judgeAgain(folder: string) {
  if (!existsSync(folder)) throw new UsageError(`expected a folder below results/, but ${folder} does not exist`);
  const { timeline, defects } = readTimeline(folder);
  const all = await allInvariants();
  const unknownNames = timeline.run.invariants.filter((name) => !all.some((invariant) => invariant.name === name));
  let consistency: Consistency | null;
  let judgement: Judgement;
  try {
    consistency = examine(folder, timeline);
    judgement = judge(
      timeline,
      consistency,
      all.filter(({ name }) => timeline.run.invariants.includes(name)),
    );
  } catch (error) {
    // Lines that look like events of ours and are none; no invariant was broken by that.
    throw new SlotquakeError(
      `expected the record of a run in ${folder}, but it cannot be judged (${messageOf(error)}); it is damaged, or of another version`,
      { cause: error, exitCode: exitCode.inconclusive },
    );
  }
  return {
    timeline,
    consistency,
    judgement,
    defects: [
      ...defects,
      ...(consistency?.defects ?? ['the run has no history of operations']),
      ...unknownNames.map((name) => `the invariant ${name} is not known any more and was not judged`),
    ],
  };
}

/** Judges an old record with today's invariants; what is not whole is said and the rest is used. */
export async function check(folder: string, json: boolean): Promise<ExitCode> {
  const { timeline, consistency, judgement, defects } = await judgeAgain(folder);
  for (const defect of defects.slice(0, 10)) console.error(`slotquake: ${defect}`);
  if (defects.length > 10) console.error(`slotquake: ${defects.length - 10} more defects of the record are not shown`);
  console.log(json ? JSON.stringify(judgement) : textReport(timeline.run, consistency, judgement, folder));
  return codeOfCheck(judgement.verdict, defects);
}

export async function report(folder: string): Promise<void> {
  const { timeline, consistency, judgement } = await judgeAgain(folder);
  console.log(path.resolve(writeReport(folder, timeline, consistency, judgement)));
}
