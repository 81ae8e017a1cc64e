import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AuditResult, type FailureAnswer, worstFirst } from '../audit.ts';
import { auditJunit } from '../audit/junit.ts';
import { lay } from '../audit/lay.ts';
import { auditMarkdown } from '../audit/markdown.ts';
import { auditText } from '../audit/text.ts';
import { understand, type Yours } from '../audit/yours.ts';
import { type ExitCode, exitCode, UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { type Conf, type Remark, readConf, withLines } from '../conf.ts';
import { isSize } from '../conf/directive.ts';
import { question, readAnswer } from '../conf/engine.ts';
import { showValue } from '../conf/scale.ts';
import { dockerDriver } from '../driver/docker.ts';
import type { Experiment } from '../experiment.ts';
import { resolveEngineImage, resolveToolboxImage } from '../image.ts';
import { version } from '../version.ts';
import { experimentNames, loadExperiment } from './load.ts';
import { latest, unwritable, writable, writableFile } from './results.ts';
import { scalingOf } from './scaling.ts';
import { answersOf, type Trial, type Tried, tryRemedies } from './trials.ts';

export interface AuditFlags {
  readonly redisConf: string;
  readonly only?: readonly string[];
  readonly accept: readonly string[];
  readonly engine: string;
  readonly results: string;
  readonly jobs?: number;
  readonly remedies: boolean;
  /** A file, or true for standard output. */
  readonly json?: string | true;
  readonly markdown?: string | true;
  readonly junit?: string | true;
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
  for (const form of ['json', 'markdown', 'junit'] as const) if (typeof flags[form] === 'string') writableFile(flags[form]);
  const say = (line: string): void => console.error(line);
  const driver = await dockerDriver();
  const image = await resolveEngineImage(flags.engine, say);
  await resolveToolboxImage(say);
  const askId = `audit${process.pid}`;
  const engine = await driver.identify(image, askId);
  const scaled = experiments.flatMap(({ experiment: { failure } }) =>
    failure && typeof failure.audit !== 'string' ? Object.keys(failure.audit.scale) : [],
  );
  const understood = (which: Conf): Promise<Yours> =>
    understand(
      which,
      scaled,
      async (lines, hidden) => readAnswer((await driver.consult(image, askId, question(engine.kind, lines, hidden))).output),
      `${engine.kind} ${engine.version}`,
    );
  const yours = await understood(conf);
  signal.throwIfAborted();

  const parent = path.join(flags.results, 'audit');
  const folder = path.join(parent, `${startedAt.toISOString().replace(/[-:]|\.\d+Z/g, '')}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const tried = experiments.map(({ name, experiment }): Tried => ({
    name,
    experiment,
    scaling: scalingOf(name),
    plan: lay(experiment, yours, engine),
  }));
  const trial: Trial = { engine: flags.engine, accept: flags.accept, jobs: flags.jobs, folder, signal, say };
  const answers = await answersOf(tried, trial);
  if (flags.remedies) await tryRemedies(tried, answers, trial, async (lines) => understood(withLines(conf, lines, 'the remedy')), engine);
  signal.throwIfAborted();
  const result: AuditResult = {
    format: 1,
    slotquake: version,
    conf: flags.redisConf,
    engine,
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - started) / 1_000,
    folder,
    warnings: [...conf.remarks, ...yours.warnings],
    apart: yours.apart,
    others: othersOf(tried, yours),
    failures: [...answers.values()].toSorted(worstFirst),
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

/** What became of the user's settings that decide nothing. */
function othersOf(tried: readonly Tried[], yours: Yours): Remark[] {
  const runs = tried.flatMap(({ plan }) => (plan.tried ? [plan] : []));
  if (runs.length === 0) return [];
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
      return { at: yours.setAt[name]?.join(', ') ?? '', directive: `${name} ${showValue(name, yours.values[name] ?? '')}`, because };
    });
}

function writeOut(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw unwritable(file, error);
  }
}
