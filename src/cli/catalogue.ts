import { styleText } from 'node:util';
import { formatMs } from '../base/duration.ts';
import { type ExitCode, exitCode, messageOf, UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import type { Experiment } from '../experiment.ts';
import { defaultEngine, resolveEngineImage, resolveToolboxImage } from '../image.ts';
import { allMeasured, canRecord, keepMeasured, measuredOf } from '../measured.ts';
import { type Done, type Job, roomHere, runPool, type Turn } from '../pool.ts';
import { childRun, type RunLine } from './child.ts';
import { experimentNames, loadExperiment } from './load.ts';
import { writable } from './results.ts';

export interface CatalogueFlags {
  readonly engine?: readonly string[];
  readonly variant?: readonly string[];
  readonly times: number;
  readonly jobs?: number;
  readonly seed?: number;
  readonly results: string;
  readonly record: boolean;
  /** Whether what was not as expected is run once more, when nothing else runs. */
  readonly again: boolean;
  /** One JSON object a run instead of a line; of what is run once more, the last one counts. */
  readonly json: boolean;
}

/** One run to make. */
interface Wanted {
  readonly experiment: Experiment;
  readonly variant: string;
  readonly engine: string;
}

/** What `catalogue --json` says of a run. */
export interface CatalogueLine {
  readonly experiment: string;
  readonly variant: string;
  readonly engine: string;
  readonly verdict: string;
  readonly because: string;
  readonly tookMs: number;
  readonly folder: string | null;
}

/** How a run ended. */
interface Ended {
  readonly line: RunLine;
  readonly engine: string;
  /** Without the time for which its cluster stood ready until it was its turn. */
  readonly tookMs: number;
}

/** What a run is reckoned to take that was never measured. */
const usualMs = 20_000;

/**
 * Runs every variant of the experiments on every engine, several at a time, and says a line of each as it ends. Exit 1
 * where one was not as expected, was inconclusive or failed; a variant that an engine cannot be asked is no failure.
 */
export async function catalogue(names: readonly string[], flags: CatalogueFlags, signal: AbortSignal): Promise<ExitCode> {
  const wanted = await runsOf(names, flags);
  writable(flags.results);
  const say = flags.json ? (): void => {} : console.log;
  if (flags.record && !canRecord(wanted.map(({ experiment }) => experiment.name)))
    throw new UsageError('--record binds figures to the source of an experiment, which is not here; run it in a checkout of Slotquake');
  // Once for all runs: several at a time would each assemble the same image, or each find that there is none.
  for (const engine of new Set(wanted.map((each) => each.engine))) await resolveEngineImage(engine, say);
  await resolveToolboxImage(say);
  signal.throwIfAborted();
  const room = roomHere();
  const atOnce = flags.jobs ?? room.atOnce;
  say(`${wanted.length} runs, up to ${atOnce} at a time`);
  const about = new Map<Job<Ended>, Wanted>();
  let bad: { readonly job: Done<Ended>['job']; readonly said: string }[] = [];
  let notAsked = 0;
  const unrecorded: string[] = [];
  const onDone = (done: Done<Ended>): void => {
    if (signal.aborted) return;
    const { verdict, because, tookMs, folder } = endOf(done);
    if (flags.record && 'value' in done && folder !== undefined) {
      try {
        keepMeasured(measuredOf(folder, done.value.engine, tookMs));
      } catch (error) {
        unrecorded.push(`${done.job.name}: ${messageOf(error)}`);
      }
    }
    const fine = verdict === 'as-expected' || verdict === 'not-asked';
    if (verdict === 'not-asked') notAsked++;
    if (!fine) bad.push({ job: done.job, said: `${done.job.name}: ${verdict}: ${because}${folder ? `; see ${folder}` : ''}` });
    const mark = fine ? styleText('green', '✓') : styleText('red', '✗');
    const why = verdict === 'as-expected' ? '' : `  ${verdict}: ${because}`;
    const of = about.get(done.job) as Wanted;
    const { variant, engine } = of;
    if (flags.json)
      console.log(
        JSON.stringify({
          experiment: of.experiment.name,
          variant,
          engine,
          verdict,
          because,
          tookMs: Math.round(tookMs),
          folder: folder ?? null,
        } satisfies CatalogueLine),
      );
    say(`${mark} ${done.job.name.padEnd(56)} ${formatMs(tookMs).padStart(7)}${why}`);
  };
  const jobs = wanted.map((each) => {
    const child = childRun({ ...each, name: each.experiment.name, results: flags.results, seed: flags.seed });
    const run = async (stop: AbortSignal, turn: Turn): Promise<Ended> => {
      const startedAtMs = performance.now();
      let stoodMs = 0;
      const timed: Turn = {
        take: async (until) => {
          const sinceMs = performance.now();
          await turn.take(until).finally(() => (stoodMs = performance.now() - sinceMs));
        },
        spare: () => turn.spare(),
        over: () => turn.over(),
      };
      const line = await child.run(stop, timed);
      return { line, engine: each.engine, tookMs: performance.now() - startedAtMs - stoodMs };
    };
    const job: Job<Ended> = { ...child, run };
    about.set(job, each);
    return job;
  });
  await runPool(jobs, { ...room, atOnce, signal, onDone });
  if (flags.again && bad.length > 0 && !signal.aborted) {
    const first = bad;
    bad = [];
    for (const { said } of first) say(`not as expected: ${said}`);
    say(`tried once more, one at a time: ${first.length}`);
    await runPool(
      first.map(({ job }) => job),
      { ...room, atOnce: 1, signal, onDone },
    );
  }
  if (signal.aborted) return exitCode.aborted;
  if (notAsked > 0) say(`${notAsked} not asked, because the engine cannot be`);
  for (const { said } of bad) say(`not as expected: ${said}`);
  for (const said of unrecorded) console.error(`not recorded: ${said}`);
  say(`${wanted.length - notAsked - bad.length} passed, ${bad.length} failed`);
  return bad.length + unrecorded.length > 0 ? exitCode.notAsExpected : exitCode.asExpected;
}

/** One that gave no verdict failed. */
function endOf(done: Done<Ended>): {
  readonly verdict: string;
  readonly because: string;
  readonly tookMs: number;
  readonly folder?: string;
} {
  if ('error' in done) return { verdict: 'failed', because: messageOf(done.error), tookMs: 0 };
  const { line, tookMs } = done.value;
  return { verdict: line.verdict, because: line.because, tookMs, ...('folder' in line ? { folder: line.folder } : {}) };
}

/** The longest come first, so that none is waited for alone in the end. */
async function runsOf(
  names: readonly string[],
  { engine: engines = [defaultEngine], variant: only, times }: CatalogueFlags,
): Promise<Wanted[]> {
  const known = experimentNames();
  const picked = new Map((names.length > 0 ? names : known).map((name) => [name, name.split('/', 1)[0] as string]));
  for (const name of picked.values())
    if (!known.includes(name))
      throw new UsageError(`expected names of experiments (\`slotquake list\`), got ${name}${didYouMean(name, known)}`);
  const before = new Map(allMeasured().map((entry) => [`${entry.experiment}/${entry.variant}`, entry.tookMs]));
  const experiments = await Promise.all([...new Set(picked.values())].map(loadExperiment));
  const variants = [...new Set(experiments.flatMap((experiment) => Object.keys(experiment.variants)))];
  const expected = `expected variants of ${names.join(', ') || 'the catalogue'} (${variants.join(', ')})`;
  if (only?.length === 0) throw new UsageError(`${expected}, got none`);
  const unknown = only?.find((name) => !variants.includes(name));
  if (unknown !== undefined) throw new UsageError(`${expected}, got ${unknown}${didYouMean(unknown, variants)}`);
  for (const [name, of] of picked) {
    const own = Object.keys(experiments.find((experiment) => experiment.name === of)?.variants ?? {});
    const variant = name.slice(of.length + 1);
    if (name !== of && !own.includes(variant))
      throw new UsageError(`expected a variant of ${of} (${own.join(', ')}), got ${variant}${didYouMean(variant, own)}`);
  }
  if (engines.length === 0) throw new UsageError(`expected engines, such as ${defaultEngine}, got none`);
  const runs = engines.flatMap((engine) =>
    experiments.flatMap((experiment) =>
      Object.keys(experiment.variants)
        .filter((variant) => picked.has(experiment.name) || picked.has(`${experiment.name}/${variant}`))
        .filter((variant) => only?.includes(variant) ?? true)
        .map((variant) => ({ experiment, variant, engine })),
    ),
  );
  const tookMs = ({ experiment, variant }: Wanted): number => before.get(`${experiment.name}/${variant}`) ?? usualMs;
  return Array.from({ length: times }, () => runs.toSorted((a, b) => tookMs(b) - tookMs(a))).flat();
}
