import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { styleText } from 'node:util';
import type { FailureAnswer } from '../audit.ts';
import { answerOf } from '../audit/answer.ts';
import { isComment, lay, type Plan } from '../audit/lay.ts';
import { labelOf } from '../audit/summary.ts';
import type { Yours } from '../audit/yours.ts';
import { messageOf } from '../base/errors.ts';
import type { Experiment } from '../experiment.ts';
import { flawOf } from '../judge.ts';
import { type Done, type Job, roomHere, runPool } from '../pool.ts';
import type { EngineInfo } from '../timeline.ts';
import { readTimeline } from '../timeline/timeline.ts';
import { childRun, type RunLine } from './child.ts';

/** An experiment, by the name under which `run` finds it, what it says of its own scale, and what is laid over it. */
export interface Tried {
  readonly name: string;
  readonly experiment: Experiment;
  readonly scaling: string;
  readonly plan: Plan;
}

/** How experiments are tried. */
export interface Trial {
  readonly engine: string;
  /** Names of those that may be exposed. */
  readonly accept: readonly string[];
  /** Runs at a time, where somebody says so. */
  readonly jobs?: number | undefined;
  /** For records and the settings that runs were given. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Runs all that can be tried beside one another; what stays inconclusive then is tried once more, alone on the machine. */
export async function answersOf(tried: readonly Tried[], trial: Trial): Promise<Map<Tried, FailureAnswer>> {
  const { signal, say, jobs: atOnceAtMost } = trial;
  const answers = new Map<Tried, FailureAnswer>();
  for (const each of tried)
    if (!each.plan.tried)
      answers.set(each, answered(each, trial, { answer: 'not applicable', because: each.plan.because, losesData: false }));
  const room = { ...roomHere(), ...(atOnceAtMost === undefined ? {} : { atOnce: atOnceAtMost }) };
  const round = async (which: readonly Tried[], atOnce: number): Promise<void> => {
    let ended = 0;
    const jobs = new Map<Job<RunLine>, Tried>(which.map((each) => [jobOf(each, trial, tried.indexOf(each) + 1), each]));
    await runPool([...jobs.keys()], {
      ...room,
      atOnce,
      signal,
      onDone: (done) => {
        const each = jobs.get(done.job) as Tried;
        const answer = answerOfRun(each, trial, done);
        answers.set(each, answer);
        if (!signal.aborted)
          say(
            styleText(
              'dim',
              `  ${String(++ended).padStart(String(which.length).length)} of ${which.length}  ${labelOf(answer)}: ${each.experiment.name}`,
            ),
          );
      },
    });
  };
  const able = tried.filter(({ plan }) => plan.tried);
  await round(able, room.atOnce);
  const open = able.filter((each) => answers.get(each)?.answer === 'inconclusive');
  if (open.length > 0 && able.length > 1 && !signal.aborted) {
    say(styleText('dim', `  once more, one at a time: ${open.map(({ experiment }) => experiment.name).join(', ')}`));
    await round(open, 1);
  }
  return answers;
}

/** Whether what is recommended helps: each exposed one once more, with the lines of its remedy on top. */
export async function tryRemedies(
  tried: readonly Tried[],
  answers: Map<Tried, FailureAnswer>,
  trial: Trial,
  understoodWith: (lines: readonly string[]) => Promise<Yours>,
  engine: EngineInfo,
): Promise<void> {
  const cured = new Map<Tried, Tried>();
  for (const each of tried) {
    const found = answers.get(each) as FailureAnswer;
    if (found.answer !== 'exposed' || trial.signal.aborted) continue;
    const directives = found.lines.filter((line) => !isComment(line));
    if (directives.length === 0) answers.set(each, { ...found, withRemedy: 'no line helps' });
    else cured.set({ ...each, plan: lay(each.experiment, await understoodWith(directives), engine) }, each);
  }
  if (cured.size === 0) return;
  trial.say(styleText('dim', '  with the remedies'));
  for (const [withRemedy, { answer, because, report }] of await answersOf([...cured.keys()], {
    ...trial,
    folder: path.join(trial.folder, 'remedies'),
  })) {
    const each = cured.get(withRemedy) as Tried;
    answers.set(each, { ...(answers.get(each) as FailureAnswer), withRemedy: { answer, because, report } });
  }
}

function jobOf({ name, experiment, plan }: Tried, { engine, folder }: Trial, number: number): Job<RunLine> {
  // Two files may hold experiments of one name.
  const file = path.join(folder, 'settings', `${number}-${experiment.name}.json`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(plan.tried ? plan.config : {}, null, 2)}\n`);
  return childRun({ name, experiment, variant: plan.tried ? plan.variant : 'wounded', engine, results: folder, config: file });
}

function answerOfRun(each: Tried, trial: Trial, done: Done<RunLine>): FailureAnswer {
  const inconclusive = (because: string) => answered(each, trial, { answer: 'inconclusive', because, losesData: false });
  if ('error' in done) return inconclusive(`the run failed: ${messageOf(done.error)}`);
  if (!('folder' in done.value)) return answered(each, trial, { answer: 'not applicable', because: done.value.because, losesData: false });
  const { folder, findings } = done.value;
  try {
    const { timeline } = readTimeline(folder);
    const seen = answerOf(findings, each.plan.tried ? each.plan.symptoms : [], flawOf(timeline));
    return { ...answered(each, trial, seen), report: path.join(folder, 'report.html'), again: timeline.run.command };
  } catch (error) {
    return inconclusive(`the record of the run cannot be read: ${messageOf(error)}`);
  }
}

function answered(
  { experiment: { name, failure }, scaling, plan }: Tried,
  { accept }: Trial,
  seen: ReturnType<typeof answerOf>,
): FailureAnswer {
  return {
    experiment: name,
    level: failure?.level ?? null,
    symptom: failure?.symptom ?? '',
    ...seen,
    accepted: accept.includes(name) && seen.answer !== 'protected' && seen.answer !== 'not applicable',
    scaling,
    deciding: plan.deciding,
    beside: plan.tried ? plan.beside : [],
    remedy: failure?.remedy ?? '',
    lines: plan.lines,
    withRemedy: null,
    report: null,
    again: null,
  };
}
