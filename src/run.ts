import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatMs, parseDuration } from './base/duration.ts';
import { AbortedError, InconclusiveError, messageOf, SlotquakeError } from './base/errors.ts';
import { poll, sleepMs } from './base/poll.ts';
import { together } from './base/together.ts';
import { seededRandom } from './base/random.ts';
import type { Cluster, RedisConfig } from './cluster.ts';
import { clusterCheck } from './cluster/check.ts';
import { formCluster } from './cluster/form.ts';
import { endPatience } from './cluster/patience.ts';
import type { Consistency } from './consistency.ts';
import type { Driver, Hosts, Reach } from './driver.ts';
import { clusterOf, type Experiment, expectationOn, type Stage, type Variant } from './experiment.ts';
import { EngineLogs } from './logs.ts';
import { GuardLink } from './guarded.ts';
import { Injector } from './inject.ts';
import type { Invariant } from './invariant.ts';
import { allInvariants } from './invariants.ts';
import { type Judgement, judge } from './judge.ts';
import { Observer } from './observe.ts';
import { partFrom } from './parting.ts';
import { AssertionFailed, curtained, type Play, play } from './play.ts';
import type { Turn } from './pool.ts';
import { writeReport } from './report.ts';
import { settle } from './settle.ts';
import { watchStalls } from './stall.ts';
import { stageOf } from './stage.ts';
import { gossipMs } from './timeline/theory.ts';
import { relapseUntilMs } from './timeline/relapse.ts';
import { version } from './version.ts';
import { errorReplies, grown } from './load/error-replies.ts';
import type { ClientKind, Workload } from './workload.ts';
import { examine } from './examine.ts';
import { kindOf, type Load, openLoad } from './load.ts';
import registers from './workload/registers.ts';
import { Recorder, unwritable } from './timeline/recorder.ts';
import { Timeline } from './timeline/timeline.ts';
import type { EngineInfo, Expectation, RunInfo, TimelineEvent } from './timeline.ts';

export interface RunOptions {
  readonly variant: string;
  readonly seed: number;
  readonly driver: Driver;
  /** Resolved images. */
  readonly image: string;
  readonly toolboxImage: string;
  /** The folder of this run; it is created. */
  readonly folder: string;
  readonly reach: Reach | 'auto';
  readonly keep: boolean;
  readonly subnet?: string | undefined;
  readonly memoryMb?: number | undefined;
  /**
   * Directives on top of the experiment's and the variant's: the user's own settings. Everything must hold with them then,
   * and the record calls the variant `yours`.
   */
  readonly config?: RedisConfig | undefined;
  /** The client under test, instead of the workload's. */
  readonly client?: ClientKind | undefined;
  /** How long `prepare` and `disturb` may take each, instead of what the experiment says. */
  readonly timeoutMs?: number | undefined;
  /** The command line that repeats this run. */
  readonly command: string;
  readonly signal: AbortSignal;
  /** Taken when the cluster is formed, by runs of which the next forms its cluster while the present one goes on. */
  readonly turn?: Turn | undefined;
  /** Called for every event as it is recorded, for live progress. Must not throw. */
  readonly onEvent?: ((event: TimelineEvent) => void) | undefined;
}

export interface RunResult {
  readonly id: string;
  readonly folder: string;
  readonly judgement: Judgement;
  /** What operations showed; null where none were recorded. */
  readonly consistency: Consistency | null;
  /** What ended the run before its time, if anything did. */
  readonly error?: unknown;
}

/** How long six fresh nodes may take to agree. */
const formWithinMs = 30_000;
/** Who waits no longer for its turn has not waited. */
const atOnceMs = 20;

/**
 * form → steady → disturb → settle → verify → judge. Whatever happens on the way, faults are healed, the containers are
 * removed (unless kept) and the record is judged; an error ends up in the record and in the result.
 */
export async function runExperiment(experiment: Experiment, options: RunOptions): Promise<RunResult> {
  // What cannot be is said before anything is there.
  await kindOf(workloadOf(experiment, options), clusterOf(experiment, options.variant).places ?? 0);
  const id = runId(options.seed);
  try {
    mkdirSync(path.join(options.folder, 'logs'), { recursive: true });
  } catch (error) {
    throw unwritable(options.folder, error);
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const fail = (error: unknown): void => stop.abort(error);
  const recorder = new Recorder(options.folder, options.onEvent, fail);
  const run = new Run(experiment, options, id, recorder, signal, fail);
  let error: unknown;
  try {
    await run.go();
  } catch (thrown) {
    error = signal.aborted ? signal.reason : thrown;
    recorder.record({ type: endOf(error), because: messageOf(error) });
    // The verdict says it all.
    if (error instanceof InconclusiveError) error = undefined;
  }
  options.turn?.over();
  // From here on nothing asks the signal: cleaning up happens in every case.
  try {
    await run.cleanUp();
  } catch (thrown) {
    recorder.record({ type: 'harness-failed', because: messageOf(thrown) });
    error = error === undefined ? thrown : new SuppressedError(thrown, error, 'the run failed, and so did cleaning up');
  }
  const timelineSoFar = (): Timeline => new Timeline(run.info(), recorder.events);
  let consistency: Consistency | null = null;
  try {
    if (run.load) consistency = examine(options.folder, timelineSoFar());
  } catch (thrown) {
    // What the nodes said is judged all the same.
    recorder.record({ type: 'harness-failed', because: `the operations could not be examined: ${messageOf(thrown)}` });
    error ??= thrown;
  }
  recorder[Symbol.dispose]();
  const timeline = timelineSoFar();
  const judgement = judge(timeline, consistency, run.invariants);
  try {
    if (consistency) writeFileSync(path.join(options.folder, 'consistency.json'), `${JSON.stringify(consistency, null, 2)}\n`);
    writeFileSync(path.join(options.folder, 'verdict.json'), `${JSON.stringify(judgement, null, 2)}\n`);
    writeReport(options.folder, timeline, consistency, judgement);
  } catch (thrown) {
    // Where the disk is full, the run has ended with that already.
    error ??= unwritable(options.folder, thrown);
  }
  return { id, folder: options.folder, judgement, consistency, ...(error === undefined ? {} : { error }) };
}

function endOf(error: unknown): 'aborted' | 'step-missed' | 'harness-failed' {
  if (error instanceof AbortedError) return 'aborted';
  return error instanceof InconclusiveError ? 'step-missed' : 'harness-failed';
}

/** What clients do in this variant. */
function workloadOf({ variants, workload }: Experiment, { variant, client }: Pick<RunOptions, 'variant' | 'client'>): Workload {
  const chosen = variants[variant]?.workload ?? workload ?? registers();
  return { ...chosen, client: client ?? chosen.client };
}

/** Empty as long as the engine is not known: nothing is judged by then. */
const expectationOf = (variant: Variant | undefined, engine: EngineInfo | undefined): Expectation =>
  engine ? expectationOn(variant, engine) : {};
/** What is left to chance stays so, and everything else must hold. */
const withoutSymptoms = (expectation: Expectation): Expectation =>
  Object.fromEntries(Object.entries(expectation).filter(([, expected]) => expected === 'open'));

/** Those that the experiment names, or all that can be asked of its workload, but those that its variant leaves out. */
async function invariantsOf({ invariants, variants }: Experiment, variant: string, info: RunInfo): Promise<readonly Invariant[]> {
  const except = variants[variant]?.invariants?.except ?? [];
  if (invariants && !('except' in invariants)) return invariants.filter(({ name }) => !except.includes(name));
  return (await allInvariants()).filter(
    ({ name, suits }) => !except.includes(name) && !invariants?.except.includes(name) && (suits?.(info) ?? true),
  );
}

const runId = (seed: number): string =>
  `${Date.now().toString(36).slice(-6)}${(seed >>> 0).toString(36).slice(-2)}${process.pid.toString(36).slice(-3)}`;

/** The moving parts of one run, and the order in which they are let go. */
class Run {
  readonly #experiment: Experiment;
  readonly #options: RunOptions;
  readonly #id: string;
  readonly #recorder: Recorder;
  readonly #signal: AbortSignal;
  readonly #fail: (error: unknown) => void;
  #guard: GuardLink | undefined;
  #hosts: Hosts | undefined;
  #cluster: Cluster | undefined;
  #logs: Disposable | undefined;
  #observer: Observer | undefined;
  #injector: Injector | undefined;
  load: Load | undefined;
  /** Which are asked may depend on the engine, so that they are chosen anew when it is known. */
  invariants: readonly Invariant[] = [];

  constructor(
    experiment: Experiment,
    options: RunOptions,
    id: string,
    recorder: Recorder,
    signal: AbortSignal,
    fail: (error: unknown) => void,
  ) {
    this.#experiment = experiment;
    this.#options = options;
    this.#id = id;
    this.#recorder = recorder;
    this.#signal = signal;
    this.#fail = fail;
  }

  async go(): Promise<void> {
    // As far as they can be chosen before the engine is known.
    await this.#chooseInvariants();
    const random = seededRandom(this.#options.seed);
    const { info, observer, cluster } = await this.#form();
    await this.#takeTurn(info, observer);
    const injector = new Injector({
      cluster,
      recorder: this.#recorder,
      observer,
      guard: this.#guard as GuardLink,
      random: random.fork('faults'),
      tagOf: (fault) => `${this.#id}-${fault}`.slice(-12),
    });
    this.#injector = injector;
    const { stage, fall } = curtained(
      stageOf({
        cluster,
        injector,
        recorder: this.#recorder,
        info,
        random: random.fork('stage'),
        signal: this.#signal,
        variant: this.#options.variant,
      }),
      this.#fail,
    );
    await this.#play('prepare', stage);

    const steadyForMs = parseDuration(this.#experiment.steadyFor ?? '1s');
    this.#recorder.record({ type: 'phase-entered', phase: 'steady', withinMs: steadyForMs });
    const load = await openLoad({
      cluster,
      workload: workloadOf(this.#experiment, this.#options),
      random: random.fork('workload'),
      nowMs: () => this.#recorder.preciseMs(),
      folder: this.#options.folder,
      onUnwritable: (error, file) => this.#fail(unwritable(file, error)),
      onFailure: this.#fail,
    });
    this.load = load;
    using _ = watchStalls(
      () => this.#recorder.preciseMs(),
      (forMs) => this.#recorder.record({ type: 'harness-stalled', forMs }),
    );
    const before = await errorReplies(cluster.nodes);
    load.start();
    await sleepMs(steadyForMs, this.#signal);

    this.#recorder.record({ type: 'phase-entered', phase: 'disturb' });
    try {
      await this.#play('disturb', stage);
      fall();
    } catch (error) {
      // A run in which something was found goes on to its end, so that the record says the rest.
      if (!(error instanceof AssertionFailed)) throw error;
      this.#recorder.record({ type: 'assertion-failed', because: error.message });
    }
    await injector.healAll();

    this.#recorder.record({ type: 'phase-entered', phase: 'settle', withinMs: info.settleWithinMs });
    const healedAtMs = this.#recorder.events.findLast(({ type }) => type === 'fault-healed')?.atMs ?? this.#recorder.nowMs();
    const { lacking, healthySinceMs } = await settle(
      () => stage.timeline().run,
      observer,
      this.#recorder,
      {
        withinMs: info.settleWithinMs,
        holdMs: gossipMs(info),
        notBeforeMs: relapseUntilMs(new Timeline(info, this.#recorder.events)),
        // What is measured of the recovery is over, and seconds of waiting may be left.
        onHealthy: () => this.#options.turn?.spare(),
      },
      this.#signal,
    );
    this.#recorder.record(
      healthySinceMs !== null ? { type: 'settled', afterMs: Math.max(0, healthySinceMs - healedAtMs) } : { type: 'not-settled', lacking },
    );

    // Also where it never became healthy.
    this.#options.turn?.spare();
    // A moment of normal work, so that clients are seen to have recovered too.
    await sleepMs(500, this.#signal);
    await load.stop();
    this.#recorder.record({ type: 'workload-stopped', ...load.counts, redirects: load.redirects });
    this.#recorder.record({ type: 'errors-counted', replies: grown(before, await errorReplies(cluster.nodes)) });

    this.#recorder.record({ type: 'phase-entered', phase: 'verify' });
    await observer.round();
    await observer.atRest();
    this.#recorder.record({ type: 'read-back', ...(await load.readBack()) });
    await sleepMs(300, this.#signal);
    await observer.round();
    await this.#askTheEngine(observer, cluster);
    this.#recorder.record({ type: 'phase-entered', phase: 'judge' });
  }

  async #play(part: Play['part'], stage: Stage): Promise<void> {
    if (!this.#experiment[part]) return;
    const withinMs = this.#options.timeoutMs ?? parseDuration(this.#experiment.timeout ?? '30m');
    try {
      await play(async () => this.#experiment[part]?.(stage), { part, withinMs, signal: this.#signal });
    } catch (error) {
      // What it left waiting must not go on beside the healing.
      if (!(error instanceof AssertionFailed)) this.#fail(error);
      throw error;
    }
  }

  /** What the engine's own tool says of the final state, at the first node that answers. */
  async #askTheEngine(observer: Observer, { nodes, hosts }: Cluster): Promise<void> {
    const node = nodes.find(({ name }) => observer.silentMs(name) === 0)?.name;
    if (node === undefined) return;
    const check = await clusterCheck(hosts, node).catch((error: unknown) => ({ exitCode: -1, objections: [], unasked: messageOf(error) }));
    this.#recorder.record({ type: 'cluster-checked', node, ...check });
  }

  async #chooseInvariants(): Promise<void> {
    this.invariants = await invariantsOf(this.#experiment, this.#options.variant, this.info());
  }

  async #form(): Promise<{ info: RunInfo; observer: Observer; cluster: Cluster }> {
    const { driver, folder } = this.#options;
    this.#recorder.record({ type: 'phase-entered', phase: 'form' });
    this.#guard = await GuardLink.start(this.#id, path.join(folder, 'journal.jsonl'), 'remove', () =>
      this.#fail(new SlotquakeError('the guard process ended during the run; everything was healed and the run stopped')),
    );
    this.#signal.throwIfAborted();
    const cluster = await formCluster(driver, clusterOf(this.#experiment, this.#options.variant), {
      runId: this.#id,
      image: this.#options.image,
      toolboxImage: this.#options.toolboxImage,
      reach: this.#options.reach,
      kept: this.#options.keep,
      subnet: this.#options.subnet,
      memoryMb: this.#options.memoryMb,
      config: { ...this.#experiment.variants[this.#options.variant]?.config, ...this.#options.config },
      signal: this.#signal,
      onHosts: (hosts) => {
        this.#hosts = hosts;
      },
    });
    this.#cluster = cluster;
    const logs = new EngineLogs(path.join(folder, 'logs'), this.#recorder, this.#fail);
    const following = await cluster.hosts.follow({
      line: (line) => logs.take(line),
      exit: (node, exitCode, expected) => this.#recorder.record({ type: 'container-exited', node, exitCode, expected }),
    });
    this.#logs = {
      [Symbol.dispose]: () => {
        following[Symbol.dispose]();
        logs.flush();
      },
    };
    await this.#failOnDeadEngines(cluster);
    const observer = new Observer(cluster, this.#recorder);
    this.#observer = observer;
    observer.start(this.#fail);
    await this.#chooseInvariants();
    const info = this.info();
    writeFileSync(path.join(folder, 'run.json'), `${JSON.stringify(info, null, 2)}\n`);
    await this.#healthy(info, observer);
    await endPatience(cluster);
    return { info, observer, cluster };
  }

  /** Waits until the run before this one is over. The cluster must still be as it was formed, by answers given after that. */
  async #takeTurn(info: RunInfo, observer: Observer): Promise<void> {
    if (!this.#options.turn) return;
    const sinceMs = this.#recorder.nowMs();
    await this.#options.turn.take(this.#signal);
    const stoodMs = this.#recorder.nowMs() - sinceMs;
    if (stoodMs < atOnceMs) return;
    this.#recorder.record({
      type: 'noted',
      text: `the cluster stood ready for ${formatMs(stoodMs)}, until the run before this one was over`,
    });
    await this.#healthy(info, observer);
  }

  async #healthy(info: RunInfo, observer: Observer): Promise<void> {
    this.#recorder.record({ type: 'waiting', until: 'every node describes the same healthy cluster', withinMs: formWithinMs });
    const { lacking } = await settle(() => info, observer, this.#recorder, { withinMs: formWithinMs }, this.#signal);
    if (lacking.length === 0) return;
    const logs = path.join(this.#options.folder, 'logs');
    throw new SlotquakeError(
      `the cluster did not form within ${formWithinMs / 1_000} s: ${lacking.slice(0, 6).join('; ')}${lastWords(logs)}; see the engines' logs in ${logs}`,
    );
  }

  /** An engine that refuses its image or its settings ends at once: no use in waiting for it. */
  async #failOnDeadEngines({ nodes, hosts }: Cluster): Promise<void> {
    const states = await together(nodes, async ({ name }) => ({ name, ...(await hosts.state(name)) }));
    const dead = states.find(({ status }) => status === 'exited');
    if (!dead) return;
    const logs = path.join(this.#options.folder, 'logs');
    const said = await poll('its last words', () => lastWords(logs) || Promise.reject(new Error('none')), { withinMs: 1_000 }).catch(
      () => '',
    );
    throw new SlotquakeError(
      `the engine of ${dead.name} ended with exit code ${dead.exitCode} as soon as it was started${said}; see ${logs}`,
    );
  }

  info(): RunInfo {
    const { driver, variant, seed, command, image, config } = this.#options;
    const experiment = this.#experiment;
    const expectation = expectationOf(experiment.variants[variant], this.#cluster?.engine);
    return {
      format: 2,
      id: this.#id,
      experiment: experiment.name,
      hypothesis: experiment.hypothesis,
      variant: config ? 'yours' : variant,
      seed,
      startedAt: new Date(this.#recorder.epochMs).toISOString(),
      epochMs: this.#recorder.epochMs,
      command,
      slotquake: version,
      gitCommit: gitCommit(),
      engine: this.#cluster?.engine ?? { kind: 'redis', version: 'unknown', image },
      driver: { name: driver.name, version: driver.version, reach: this.#hosts?.reach ?? 'unknown' },
      nodes: (this.#cluster?.nodes ?? []).map(({ name, id, address, formedAs, primary, slots, memoryBytes }) => ({
        name,
        id,
        address,
        role: formedAs,
        ...(primary === null ? {} : { primary }),
        slots,
        ...(memoryBytes ? { memoryBytes } : {}),
      })),
      settings: this.#cluster?.settings ?? {},
      workload: workloadOf(this.#experiment, this.#options),
      budget: { ...experiment.budget, ...experiment.variants[variant]?.budget },
      settleWithinMs: parseDuration(experiment.variants[variant]?.settleWithin ?? experiment.settleWithin ?? '30s'),
      invariants: this.invariants.map(({ name }) => name),
      expect: config ? withoutSymptoms(expectation) : expectation,
    };
  }

  /** Heals first, then lets go of everything in the reverse order of its making. */
  async cleanUp(): Promise<void> {
    await partFrom(this.#guard, [
      () => this.#injector?.healAll(),
      () => this.load?.stop(),
      () => this.load?.[Symbol.dispose](),
      () => this.#observer?.[Symbol.asyncDispose](),
      () => this.#logs?.[Symbol.dispose](),
      async () => {
        if (!this.#options.keep) await (this.#hosts ?? (await this.#options.driver.adopt(this.#id))).remove();
      },
    ]);
  }
}

/** The end of the first log there is: an engine that does not start says why. */
function lastWords(folder: string): string {
  const [file] = readdirSync(folder).toSorted();
  if (file === undefined) return '';
  const words = readFileSync(path.join(folder, file), 'utf8').trim().split('\n').slice(-2).join(' ').slice(-300);
  return `; ${path.basename(file, '.log')} said last: ${words}`;
}

/** The commit of the checkout this harness runs from, or null outside one. */
function gitCommit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    }).trim();
  } catch {
    return null;
  }
}
