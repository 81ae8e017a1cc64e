import { existsSync } from 'node:fs';
import path from 'node:path';
import { type ExitCode, exitCode, messageOf, SlotquakeError, UsageError } from '../base/errors.ts';
import { allInvariants } from '../invariants.ts';
import { type Judgement, judge } from '../judge.ts';
import { writeReport } from '../report.ts';
import { textReport } from '../report/text.ts';
import { readHistory } from '../timeline/old-history.ts';
import { readTimeline } from '../timeline/timeline.ts';

async function judgeAgain(folder: string) {
  if (!existsSync(folder)) throw new UsageError(`expected a folder below results/, but ${folder} does not exist`);
  const { timeline, defects } = readTimeline(folder);
  const history = readHistory(folder);
  const all = await allInvariants();
  const unknownNames = timeline.run.invariants.filter((name) => !all.some((invariant) => invariant.name === name));
  let judgement: Judgement;
  try {
    judgement = judge(
      timeline,
      history.operations,
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
    history,
    judgement,
    defects: [
      ...defects,
      ...history.defects,
      ...unknownNames.map((name) => `the invariant ${name} is not known any more and was not judged`),
    ],
  };
}

/** Judges an old record with today's invariants; what is not whole is said and the rest is used. */
export async function check(folder: string, json: boolean): Promise<ExitCode> {
  const { timeline, judgement, defects } = await judgeAgain(folder);
  for (const defect of defects.slice(0, 10)) console.error(`slotquake: ${defect}`);
  if (defects.length > 10) console.error(`slotquake: ${defects.length - 10} more defects of the record are not shown`);
  console.log(json ? JSON.stringify(judgement) : textReport(timeline.run, judgement, folder));
  if (judgement.verdict === 'as-expected') return defects.length > 0 ? exitCode.inconclusive : exitCode.asExpected;
  return judgement.verdict === 'not-as-expected' ? exitCode.notAsExpected : exitCode.inconclusive;
}

export async function report(folder: string): Promise<void> {
  const { timeline, history, judgement } = await judgeAgain(folder);
  console.log(path.resolve(writeReport(folder, timeline, history.operations, judgement)));
}
