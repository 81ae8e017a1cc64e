import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { AbortedError, messageOf, SlotquakeError, UsageError } from './base/errors.ts';
import { poll, sleepMs } from './base/poll.ts';
import { freshSeed, seededRandom } from './base/random.ts';
import { adoptCluster } from './cluster/adopt.ts';
import type { Cluster } from './cluster.ts';
import type { Driver, Hosts } from './driver.ts';
import { dockerDriver } from './driver/docker.ts';
import { isAlive, ownName } from './driver/owner.ts';
import { toolbox } from './driver.ts';
import type { Action } from './fault.ts';
import { allFaults } from './faults.ts';
import { GuardLink } from './guarded.ts';
import { Injector } from './inject.ts';
import { Observer } from './observe.ts';
import { partFrom } from './parting.ts';
import { Recorder } from './timeline/recorder.ts';
import { healWithinMs, takeBack } from './undo.ts';

/*
 * Faults by hand, on a cluster that stays. Each is held by a process of its own, which outlives the terminal and heals
 * when its time is up or it is told to; a guard heals when that process is killed. What is in force stands in a file
 * of the cluster's first toolbox, so that it goes with the cluster and every terminal sees the same.
 */

export interface HandSpec {
  readonly runId: string;
  readonly fault: string;
  readonly target: string;
  readonly parameters: Record<string, unknown>;
  readonly forMs: number;
  readonly seed: number;
  /** Where the record goes. */
  readonly results: string;
}

/** A fault in force, as the file in the toolbox tells it. */
export interface InForce {
  readonly id: string;
  readonly fault: string;
  readonly target: string;
  readonly parameters: Record<string, unknown>;
  readonly nodes: readonly string[];
  readonly sinceEpochMs: number;
  readonly untilEpochMs: number;
  readonly evidence: readonly string[];
  /** The process that holds it; see driver/owner.ts. */
  readonly holder: string;
  /** The process that takes it back when its holder is gone. */
  readonly guard: string;
  /** How to take it back without either. */
  readonly actions: readonly Omit<Action, 'do'>[];
}

export type HandReport =
  | { readonly say: 'injected'; readonly id: string; readonly nodes: readonly string[]; readonly plan: unknown }
  | { readonly say: 'effective'; readonly evidence: readonly string[] }
  | { readonly say: 'ineffective'; readonly because: string }
  | { readonly say: 'failed'; readonly because: string; readonly usage: boolean };

/** How long a fault may take to show that it bites before the terminal says that it has not yet. */
const biteWithinMs = 15_000;
const folder = '/tmp/slotquake-faults';
const first = (hosts: Hosts): string => {
  const [host] = hosts.hosts;
  if (!host) throw new UsageError(`the run ${hosts.runId} has no nodes; \`slotquake up\` makes some`);
  return host.name;
};

/** Starts the process that holds the fault and passes on what it reports, until the fault bites or is seen not to. */
export async function* injectByHand(spec: HandSpec): AsyncGenerator<HandReport> {
  const script = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [script, JSON.stringify(spec)], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const report = JSON.parse(line) as HandReport;
      yield report;
      if (report.say !== 'injected') return;
    }
    throw new SlotquakeError(
      'the process that was to hold the fault ended before it said what became of it; `slotquake faults` shows what is in force',
    );
  } finally {
    child.stdout.destroy();
    child.unref();
  }
}

/** What is in force on a run by hand, the oldest first. */
export async function faultsInForce(hosts: Hosts): Promise<InForce[]> {
  const { exitCode, output } = await hosts.perform(toolbox(first(hosts), `cat ${folder}/*.json 2>/dev/null || true`));
  if (exitCode !== 0) throw new SlotquakeError(`the faults in force at ${hosts.runId} cannot be read: ${output}`);
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as InForce)
    .sort((a, b) => a.sinceEpochMs - b.sinceEpochMs);
}

/**
 * Heals one fault: its holder does it, or, where that is gone, its guard, or else we do; never two at once, for one might
 * take back what the other has just put back. Resolves when it is no longer in force.
 */
export async function healByHand(hosts: Hosts, fault: InForce): Promise<void> {
  const holder = isAlive(fault.holder);
  if (holder.alive) process.kill(holder.pid, 'SIGTERM');
  const longestMs = Math.max(healWithinMs, ...fault.actions.map((action) => action.healWithinMs ?? 0));
  const healed = await poll(
    `${fault.fault} (${fault.id}) to be no longer in force`,
    async () => {
      const others = [fault.holder, fault.guard].some((name) => isAlive(name).alive);
      if (!(await faultsInForce(hosts)).some(({ id }) => id === fault.id)) return true;
      if (others) throw new Error('it still is');
      return false;
    },
    { withinMs: longestMs + 15_000 },
  );
  if (healed) return;
  for (const action of fault.actions.toReversed()) await takeBack(hosts, action);
  await takeBack(hosts, noteOf(first(hosts), fault.id));
}

/** The file that tells what is in force, as something to take back. */
function noteOf(node: string, id: string): Pick<Action, 'undo' | 'residue'> {
  const file = `${folder}/${id}.json`;
  return {
    undo: toolbox(node, `rm -f ${file} ${file}.new; rmdir ${folder} 2>/dev/null; true`),
    residue: toolbox(node, `ls ${file} 2>/dev/null || true`),
  };
}

/** Heals, and only then takes the note away: as long as it stands, it tells how to take back what could not be. */
export async function release(
  hosts: Pick<Hosts, 'perform'>,
  injector: Pick<Injector, 'healAll'>,
  note: Pick<Action, 'undo' | 'residue'>,
  undone: () => void,
): Promise<void> {
  await injector.healAll();
  await takeBack(hosts, note);
  undone();
}

/** The holder: injects, stays until the time is up or it is told to stop, heals. */
class Holder {
  readonly #spec: HandSpec;
  readonly #stop = new AbortController();
  readonly #id = freshSeed().toString(36).padStart(4, '0').slice(-4);

  constructor(spec: HandSpec) {
    this.#spec = spec;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#stop.abort(new AbortedError()));
  }

  #report(report: HandReport): void {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }

  async hold(): Promise<void> {
    const { runId, results, fault: name, target, parameters, seed, forMs } = this.#spec;
    const maker = (await allFaults()).get(name);
    if (!maker) throw new UsageError(`there is no fault ${name}; \`slotquake list faults\` shows all`);
    const fault = maker(target, parameters as never);
    const driver: Driver = await dockerDriver();
    const cluster: Cluster = await adoptCluster(driver, runId);
    const record = path.join(results, 'by-hand', runId, `${new Date().toISOString().replace(/[-:]|\.\d+Z/g, '')}-${name}-${this.#id}`);
    mkdirSync(record, { recursive: true });
    const guard = await GuardLink.start(runId, path.join(record, 'journal.jsonl'), 'heal', () =>
      this.#stop.abort(new SlotquakeError('the guard ended')),
    );
    const evidence = Promise.withResolvers<readonly string[]>();
    const recorder = new Recorder(
      record,
      (event) => {
        if (event.type === 'fault-effective') evidence.resolve(event.evidence);
      },
      (error) => this.#stop.abort(error),
    );
    await using observer = new Observer(cluster, recorder);
    observer.start((error) => this.#stop.abort(error));
    await poll(
      'a node to tell its topology',
      () => {
        if (observer.latest('topology').size === 0) throw new Error('none did');
      },
      { withinMs: 5_000, signal: this.#stop.signal },
    );
    const noteAt = first(cluster.hosts);
    const sinceEpochMs = Date.now();
    const file = `${folder}/${this.#id}.json`;
    const note = noteOf(noteAt, this.#id);
    let inForce: InForce = {
      id: this.#id,
      fault: name,
      target,
      parameters,
      nodes: [],
      sinceEpochMs,
      untilEpochMs: sinceEpochMs + forMs,
      evidence: [],
      holder: ownName(),
      guard: guard.name,
      actions: [],
    };
    const write = async (news: Partial<InForce>): Promise<void> => {
      inForce = { ...inForce, ...news };
      const text = JSON.stringify(inForce).replaceAll("'", `'\\''`);
      const script = `mkdir -p ${folder} && printf '%s\\n' '${text}' >${file}.new && mv ${file}.new ${file}`;
      const { exitCode, output } = await cluster.hosts.perform(toolbox(noteAt, script));
      if (exitCode !== 0) throw new SlotquakeError(`the fault could not be noted at ${noteAt}: ${output}`);
    };
    // Noted with the guard like any deed, and before all others, so that it is taken back last.
    const noteId = await guard.register(note, true);
    const injector = new Injector({
      cluster,
      recorder,
      observer,
      guard,
      random: seededRandom(seed),
      tagOf: () => `hand-${this.#id}`,
      planned: ({ nodes, actions }) => write({ nodes, actions: actions.map(({ do: _, ...wayBack }) => wayBack) }),
    });
    try {
      const active = await injector.inject(fault, this.#stop.signal);
      this.#report({ say: 'injected', id: this.#id, nodes: inForce.nodes, plan: active.plan });
      const upMs = performance.now() + forMs;
      const seen = await Promise.race([
        evidence.promise,
        sleepMs(Math.min(biteWithinMs, forMs), this.#stop.signal).then(
          () => undefined,
          () => undefined,
        ),
      ]);
      if (seen) {
        await write({ evidence: seen });
        this.#report({ say: 'effective', evidence: seen });
      } else this.#report({ say: 'ineffective', because: 'nothing showed yet that it bites; it stays in force' });
      await sleepMs(Math.max(0, upMs - performance.now()), this.#stop.signal).catch(() => {});
    } finally {
      await partFrom(guard, [() => release(cluster.hosts, injector, note, () => guard.undone(noteId))]);
      recorder[Symbol.dispose]();
    }
  }
}

if (import.meta.main) {
  process.stdout.on('error', () => {}); // The terminal may be gone; the fault is held all the same.
  try {
    await new Holder(JSON.parse(process.argv[2] ?? '') as HandSpec).hold();
  } catch (error) {
    process.stdout.write(
      `${JSON.stringify({ say: 'failed', because: messageOf(error), usage: error instanceof UsageError } satisfies HandReport)}\n`,
    );
    process.exitCode = 1;
  }
  process.exit();
}
