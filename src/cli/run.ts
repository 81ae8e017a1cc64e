import path from 'node:path';
import { AbortedError, type ExitCode, exitCode, messageOf, UsageError } from '../base/errors.ts';
import { parseDuration } from '../base/duration.ts';
import { didYouMean } from '../base/nearest.ts';
import { freshSeed } from '../base/random.ts';
import { quote } from '../driver/container/shell.ts';
import { dockerDriver } from '../driver/docker.ts';
import type { Reach } from '../driver.ts';
import type { Experiment } from '../experiment.ts';
import { resolveEngineImage, resolveToolboxImage } from '../image.ts';
import { textReport } from '../report/text.ts';
import { type Done, type Job, roomHere, runPool, type Turn } from '../pool.ts';
import { runExperiment } from '../run.ts';
import type { TimelineEvent } from '../timeline.ts';
import { readTimeline } from '../timeline/timeline.ts';
import type { ClientKind } from '../workload.ts';
import { memoryOf } from './child.ts';
import { codeOfRun, worse } from './exit-code.ts';
import { type Live, live } from './live.ts';
import { loadExperiment, loadSettings } from './load.ts';
import { latest, writable } from './results.ts';
import { catchStrays } from './strays.ts';
import { turnOfParent } from './turn.ts';

export interface RunFlags {
  readonly engine: string;
  readonly driver: string;
  readonly variant?: string;
  readonly seed?: number;
  readonly times: number;
  readonly keep: boolean;
  readonly results: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly reach: Reach | 'auto';
  readonly subnet?: string;
  readonly memory?: number;
  readonly client?: ClientKind;
  /** A JSON file of directives. */
  readonly config?: string;
  /** How long the experiment's code may take, instead of what it says itself. */
  readonly timeout?: string;
  /** Whether the process that started this one says when it is its turn. */
  readonly inTurn?: boolean;
}

/** How this command is called from a checkout, which runs the sources, and where the package is installed. */
const again = import.meta.url.endsWith('.ts') ? 'npm run slotquake --' : 'npx slotquake';
const leastMemoryMb = 16;

export async function run(names: readonly string[], flags: RunFlags, signal: AbortSignal): Promise<ExitCode> {
  if (flags.driver !== 'docker') throw new UsageError(`expected --driver docker, got ${flags.driver}`);
  // What stands in the way of one run stands in the way of all.
  const enough = new AbortController();
  const stopped = AbortSignal.any([signal, enough.signal]);
  let stray: { readonly error: Error; told: boolean } | undefined;
  using _strays = catchStrays((error) => {
    stray ??= { error, told: false };
    enough.abort(error);
  });
  const experiments = [];
  for (const name of names.length > 0 ? names : ['bus-port-blocked']) experiments.push({ name, experiment: await loadExperiment(name) });
  for (const { name, experiment } of experiments) {
    if (flags.variant !== undefined && !(flags.variant in experiment.variants))
      throw new UsageError(
        `expected a variant of ${name} (${Object.keys(experiment.variants).join(', ')}), got ${flags.variant}${didYouMean(flags.variant, Object.keys(experiment.variants))}`,
      );
  }
  if (flags.memory !== undefined && flags.memory < leastMemoryMb)
    throw new UsageError(`expected --memory of at least ${leastMemoryMb} MB, which an engine in a cluster needs, got ${flags.memory}`);
  const timeoutMs = flags.timeout === undefined ? undefined : parseDuration(flags.timeout, '--timeout as a duration');
  const config = flags.config === undefined ? undefined : loadSettings(flags.config);
  writable(flags.results);
  const driver = await dockerDriver();
  const say = flags.quiet || flags.json ? (): void => {} : console.log;
  const [image, toolboxImage] = [await resolveEngineImage(flags.engine, say), await resolveToolboxImage(say)];
  const picky = experiments.some(({ experiment }) => Object.values(experiment.variants).some(({ unsuited }) => unsuited));
  const engine = picky ? await driver.identify(image, `identify${process.pid}`) : undefined;
  const plans: Plan[] = [];
  for (let round = 0; round < flags.times; round++) {
    for (const { name, experiment } of experiments) {
      const seed = flags.seed ?? freshSeed();
      for (const variant of flags.variant === undefined ? Object.keys(experiment.variants) : [flags.variant]) {
        const unsuited = engine && experiment.variants[variant]?.unsuited?.(engine);
        plans.push({ name, experiment, variant, seed, ...(unsuited === undefined ? {} : { unsuited }) });
      }
    }
  }
  let worst: ExitCode = exitCode.asExpected;
  /** Resolves when the run before has said all it has to say. */
  let before: Promise<unknown> = Promise.resolve();

  const one = async ({ name, experiment, variant, seed, unsuited }: Plan, given: Turn): Promise<void> => {
    const heard = before;
    const said = Promise.withResolvers<void>();
    before = said.promise;
    using _ = { [Symbol.dispose]: said.resolve };
    if (unsuited !== undefined) {
      await heard;
      if (flags.json) console.log(JSON.stringify({ experiment: experiment.name, variant, seed, verdict: 'not-asked', because: unsuited }));
      else console.log(`not asked  ${name}/${variant} on ${flags.engine}: ${unsuited}`);
      return;
    }
    const called = config ? 'yours' : variant;
    const parent = path.join(flags.results, experiment.name, called);
    const folder = path.join(parent, `${new Date().toISOString().replace(/[-:]|\.\d+Z/g, '')}-${seed}-${process.pid}`);
    const progress = later(heard, () => live(`${experiment.name}/${variant} on ${flags.engine}, seed ${seed}`, flags.quiet || flags.json));
    const result = await runExperiment(experiment, {
      variant,
      seed,
      driver,
      image,
      toolboxImage,
      folder,
      reach: flags.reach,
      keep: flags.keep,
      subnet: flags.subnet,
      memoryMb: flags.memory,
      client: flags.client,
      timeoutMs,
      config,
      command:
        `${again} run ${quote([name])} --variant ${quote([variant])} --engine ${quote([flags.engine])}${flags.client ? ` --client ${flags.client}` : ''}${flags.config ? ` --config ${quote([flags.config])}` : ''}${flags.timeout ? ` --timeout ${flags.timeout}` : ''} --seed ${seed}`.replaceAll(
          "'",
          '',
        ),
      signal: stopped,
      turn: flags.inTurn ? turnOfParent() : turnHere(given, flags.subnet === undefined),
      onEvent: progress.onEvent,
    });
    await heard;
    progress.end();
    // It had only begun when another one ended them all; of a stray error the run tells that was under way.
    if (enough.signal.aborted && (stray === undefined || stray.told)) return;
    if (stray) stray.told = true;
    latest(parent, folder);
    const { judgement, error } = result;
    const code = codeOfRun(result);
    worst = worse(worst, code);
    if (flags.json) console.log(JSON.stringify({ experiment: experiment.name, variant: called, seed, folder, ...judgement }));
    else if (error === undefined)
      console.log(
        flags.quiet
          ? `${judgement.verdict}  ${experiment.name}/${called}  ${folder}`
          : textReport(readTimeline(folder).timeline.run, result.consistency, judgement, folder),
      );
    else console.error(`slotquake: ${messageOf(error)} (the record is in ${folder})`);
    if (flags.keep && error === undefined) say(`  kept    slotquake down ${result.id}`);
    if (error !== undefined && code !== exitCode.harnessFailed) enough.abort(new AbortedError('a run before this one could not be made'));
  };

  const jobs = plans.map((plan): Job<void> => ({
    name: plan.name,
    memoryBytes: memoryOf(plan.experiment, plan.variant),
    run: (_, turn) => one(plan, turn),
  }));
  let thrown: { readonly error: unknown } | undefined;
  const onDone = (done: Done<void>): void => {
    if (!('error' in done) || stopped.aborted) return;
    thrown = { error: done.error };
    enough.abort(done.error);
  };
  await runPool(jobs, { ...roomHere(), atOnce: 1, signal: stopped, onDone });
  if (thrown) throw thrown.error;
  if (stray && !stray.told) throw stray.error;
  return worst;
}

/** One run to make. */
interface Plan {
  readonly name: string;
  readonly experiment: Experiment;
  readonly variant: string;
  readonly seed: number;
  /** Why the engine cannot be asked. */
  readonly unsuited?: string;
}

/**
 * The next cluster is formed while this run is cleaned up and judged, but for one subnet there is but one cluster. Judging is
 * work of this very process, which nobody's clients should have to wait for.
 */
const turnHere = (turn: Turn, ahead: boolean): Turn => ({
  take: (signal) => turn.take(signal),
  spare: () => (ahead ? turn.spare() : undefined),
  over: () => {},
});

/** Progress of a run that may begin before the one before it has ended: it is shown from then on, with all that was. */
function later(when: Promise<unknown>, open: () => Live): Live {
  const kept: TimelineEvent[] = [];
  let shown: Live | undefined;
  void when.then(() => {
    shown = open();
    for (const event of kept) shown.onEvent(event);
  });
  return { onEvent: (event) => (shown ? shown.onEvent(event) : void kept.push(event)), end: () => shown?.end() };
}
