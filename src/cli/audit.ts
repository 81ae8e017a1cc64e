import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { styleText } from 'node:util';
import { type AuditResult, type FailureAnswer, type Remark, worstFirst } from '../audit.ts';
import { answerOf } from '../audit/answer.ts';
import { auditJunit } from '../audit/junit.ts';
import { lay, type Plan } from '../audit/lay.ts';
import { auditMarkdown } from '../audit/markdown.ts';
import { labelOf } from '../audit/summary.ts';
import { auditText } from '../audit/text.ts';
import { understand, type Yours } from '../audit/yours.ts';
import { type ExitCode, exitCode, messageOf, UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { readConf } from '../conf.ts';
import { isSize } from '../conf/directive.ts';
import { question, readAnswer } from '../conf/engine.ts';
import { showValue } from '../conf/scale.ts';
import { dockerDriver } from '../driver/docker.ts';
import type { Experiment } from '../experiment.ts';
import { resolveEngineImage, resolveToolboxImage } from '../image.ts';
import { flawOf } from '../judge.ts';
import { type Done, type Job, roomHere, runPool } from '../pool.ts';
import { readTimeline } from '../timeline/timeline.ts';
import { version } from '../version.ts';
import { childRun, type RunLine } from './child.ts';
import { experimentNames, loadExperiment } from './load.ts';
import { latest, writable } from './results.ts';

export interface AuditFlags {
  readonly redisConf: string;
  readonly only?: readonly string[];
  readonly accept: readonly string[];
  readonly engine: string;
  readonly results: string;
  readonly jobs?: number;
  /** A file, or true for standard output. */
  readonly json?: string | true;
  readonly markdown?: string | true;
  readonly junit?: string | true;
}

interface Tried {
  readonly name: string;
  readonly experiment: Experiment;
  readonly plan: Plan;
}

/** Would it hit me: the catalogue with the user's own settings laid over each wounded variant. */
export async function audit(flags: AuditFlags, signal: AbortSignal): Promise<ExitCode> {
  const started = performance.now();
  const startedAt = new Date();
  const toStdout = (['json', 'markdown', 'junit'] as const).filter((form) => flags[form] === true);
  if (toStdout.length > 1)
    throw new UsageError(`expected one of ${toStdout.map((form) => `--${form}`).join(', ')} on standard output; give the others a file`);
  const conf = readConf(flags.redisConf);
  const experiments = await experimentsOf(flags);
  writable(flags.results);
  const say = (line: string): void => console.error(line);
  const driver = await dockerDriver();
  const image = await resolveEngineImage(flags.engine, say);
  await resolveToolboxImage(say);
  const askId = `audit${process.pid}`;
  const engine = await driver.identify(image, askId);
  const yours = await understand(
    conf,
    experiments.flatMap(({ experiment: { failure } }) =>
      failure && typeof failure.audit !== 'string' ? Object.keys(failure.audit.scale) : [],
    ),
    async (lines, hidden) => readAnswer((await driver.consult(image, askId, question(engine.kind, lines, hidden))).output),
    `${engine.kind} ${engine.version}`,
  );
  signal.throwIfAborted();

  const parent = path.join(flags.results, 'audit');
  const folder = path.join(parent, `${startedAt.toISOString().replace(/[-:]|\.\d+Z/g, '')}-${process.pid}`);
  mkdirSync(path.join(folder, 'settings'), { recursive: true });
  const tried = experiments.map(({ name, experiment }): Tried => ({ name, experiment, plan: lay(experiment, yours, engine) }));
  const answers = await answersOf(tried, { flags, folder, signal, say });
  signal.throwIfAborted();
  const result: AuditResult = {
    format: 1,
    slotquake: version,
    conf: flags.redisConf,
    engine,
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - started) / 1_000,
    folder,
    warnings: [...conf.remarks.map((text) => ({ at: '', directive: '', because: text })), ...yours.warnings],
    apart: yours.apart,
    others: othersOf(tried, yours),
    failures: answers.toSorted(worstFirst),
  };
  writeFileSync(path.join(folder, 'audit.json'), `${JSON.stringify(result, null, 2)}\n`);
  latest(parent, folder);
  const forms = {
    json: () => `${JSON.stringify(result, null, 2)}\n`,
    markdown: () => auditMarkdown(result),
    junit: () => auditJunit(result),
  };
  for (const [form, render] of Object.entries(forms)) {
    const target = flags[form as keyof typeof forms];
    if (target === true) process.stdout.write(render());
    else if (target !== undefined) writeOut(target, render());
  }
  if (toStdout.length === 0) console.log(auditText(result));
  return codeOf(result.failures);
}

export function codeOf(failures: readonly Pick<FailureAnswer, 'answer' | 'accepted'>[]): ExitCode {
  const unaccepted = failures.filter(({ accepted }) => !accepted);
  if (unaccepted.some(({ answer }) => answer === 'exposed')) return exitCode.notAsExpected;
  return unaccepted.some(({ answer }) => answer === 'inconclusive') ? exitCode.inconclusive : exitCode.asExpected;
}

/** Those of --only, else all there are. */
async function experimentsOf({ only, accept }: AuditFlags): Promise<{ readonly name: string; readonly experiment: Experiment }[]> {
  const names = [...new Set(only ?? experimentNames())];
  if (names.length === 0) throw new UsageError('expected at least one experiment behind --only');
  const experiments = await Promise.all(names.map(async (name) => ({ name, experiment: await loadExperiment(name) })));
  const all = [...experimentNames(), ...experiments.map(({ experiment }) => experiment.name)];
  const stranger = accept.find((name) => !all.includes(name));
  if (stranger !== undefined) throw new UsageError(`expected --accept to name experiments, got ${stranger}${didYouMean(stranger, all)}`);
  return experiments;
}

interface Trial {
  readonly flags: AuditFlags;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Runs all that can be tried beside one another; what stays inconclusive then is tried once more, alone on the machine. */
async function answersOf(tried: readonly Tried[], { flags, folder, signal, say }: Trial): Promise<readonly FailureAnswer[]> {
  const answers = new Map<Tried, FailureAnswer>();
  for (const each of tried)
    if (!each.plan.tried)
      answers.set(each, answered(each, flags, { answer: 'not applicable', because: each.plan.because, losesData: false }));
  const room = { ...roomHere(), ...(flags.jobs === undefined ? {} : { atOnce: flags.jobs }) };
  const round = async (which: readonly Tried[], atOnce: number): Promise<void> => {
    let ended = 0;
    const jobs = new Map<Job<RunLine>, Tried>(which.map((each) => [jobOf(each, flags, folder), each]));
    await runPool([...jobs.keys()], {
      ...room,
      atOnce,
      signal,
      onDone: (done) => {
        const each = jobs.get(done.job) as Tried;
        const answer = answerOfRun(each, flags, done);
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
  return tried.map((each) => answers.get(each) as FailureAnswer);
}

function jobOf({ name, experiment, plan }: Tried, { engine }: AuditFlags, folder: string): Job<RunLine> {
  const file = path.join(folder, 'settings', `${experiment.name}.json`);
  writeFileSync(file, `${JSON.stringify(plan.tried ? plan.config : {}, null, 2)}\n`);
  return childRun({ name, experiment, variant: 'wounded', engine, results: folder, config: file });
}

function answerOfRun(each: Tried, flags: AuditFlags, done: Done<RunLine>): FailureAnswer {
  const inconclusive = (because: string) => answered(each, flags, { answer: 'inconclusive', because, losesData: false });
  if ('error' in done) return inconclusive(`the run failed: ${messageOf(done.error)}`);
  if (!('folder' in done.value)) return answered(each, flags, { answer: 'not applicable', because: done.value.because, losesData: false });
  const { folder, findings } = done.value;
  try {
    const { timeline } = readTimeline(folder);
    const seen = answerOf(findings, each.plan.tried ? each.plan.symptoms : [], flawOf(timeline));
    return { ...answered(each, flags, seen), report: path.join(folder, 'report.html'), again: timeline.run.command };
  } catch (error) {
    return inconclusive(`the record of the run cannot be read: ${messageOf(error)}`);
  }
}

function answered(
  { experiment: { name, failure }, plan }: Tried,
  { accept }: AuditFlags,
  seen: ReturnType<typeof answerOf>,
): FailureAnswer {
  return {
    experiment: name,
    level: failure?.level ?? null,
    symptom: failure?.symptom ?? '',
    ...seen,
    accepted: accept.includes(name) && seen.answer !== 'protected' && seen.answer !== 'not applicable',
    deciding: plan.deciding,
    remedy: failure?.remedy ?? '',
    lines: failure && typeof failure.audit !== 'string' ? failure.audit.lines : [],
    report: null,
    again: null,
  };
}

/** What became of the user's settings that decide nothing. */
function othersOf(tried: readonly Tried[], yours: Yours): Remark[] {
  const runs = tried.flatMap(({ plan }) => (plan.tried ? [plan] : []));
  const decides = (name: string): boolean => tried.some(({ plan }) => plan.deciding.some(({ directive }) => directive === name));
  return yours.offered
    .filter((name) => !decides(name))
    .map((name) => {
      const laid = runs.filter(({ config }) => name in config).length;
      const because =
        laid === runs.length
          ? 'laid over every run as it is'
          : laid > 0
            ? 'laid over every run that does not set it itself'
            : isSize(name)
              ? 'a size, which would mean nothing in a scaled run: left out'
              : 'the experiments set it themselves: left out';
      return { at: yours.setAt[name] ?? '', directive: `${name} ${showValue(name, yours.values[name] ?? '')}`, because };
    });
}

function writeOut(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`expected a file that can be written, but ${file} cannot (${messageOf(error)})`);
  }
}
