import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AbortedError, type ExitCode, exitCode, SlotquakeError } from '../base/errors.ts';
import { sizesOf } from '../cluster.ts';
import { toolboxMemoryMb } from '../driver.ts';
import { clusterOf, type Experiment } from '../experiment.ts';
import type { Judgement } from '../judge.ts';
import type { Job, Turn } from '../pool.ts';
import { passOn, type TurnMessage } from './turn.ts';

/** What `run --json` prints; a variant that cannot be asked of the engine has no record. */
export type RunLine = { readonly experiment: string; readonly variant: string; readonly seed: number } & (
  (Judgement & { readonly folder: string }) | { readonly verdict: 'not-asked'; readonly because: string }
);

export interface ChildRun {
  /** As `run` takes it: a name or a file. */
  readonly name: string;
  readonly experiment: Experiment;
  readonly variant: string;
  readonly engine: string;
  readonly results: string;
  readonly seed?: number | undefined;
  /** A file of settings to lay over. */
  readonly config?: string | undefined;
}

const cli = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../cli.ts' : '../cli.js', import.meta.url));
const megabyte = 2 ** 20;
/** Node itself, with its history and its guard. */
const harnessMb = 250;

/** A run as a process of its own, so that several go on at a time. It heals and removes everything when it is told to stop. */
export function childRun({ name, experiment, variant, engine, results, seed, config }: ChildRun): Job<RunLine> {
  const flags = ['--variant', variant, '--engine', engine, '--results', results];
  if (seed !== undefined) flags.push('--seed', String(seed));
  if (config !== undefined) flags.push('--config', config);
  return {
    name: `${experiment.name}/${variant} on ${engine}`,
    memoryBytes: memoryOf(experiment, variant),
    run: async (signal, turn) => {
      const { code, output, errors } = await command(['run', name, ...flags, '--json', '--in-turn'], signal, turn);
      const line = output.split('\n').find((text) => text.startsWith('{'));
      if (signal.aborted) throw signal.reason;
      if (code === exitCode.aborted) throw new AbortedError();
      if (line !== undefined) return JSON.parse(line) as RunLine;
      const said =
        errors
          .trim()
          .split('\n')
          .at(-1)
          ?.replace(/^slotquake: /, '') ?? '';
      throw new SlotquakeError(said || `the run ended with exit code ${code} and said nothing`, {
        exitCode: (code as ExitCode | null) ?? exitCode.harnessFailed,
      });
    },
  };
}

/** What the containers of a run may take at most, and the process that runs it. */
export function memoryOf(experiment: Experiment, variant: string): number {
  const { count, spares, places, memoryMb, diskMb } = sizesOf(clusterOf(experiment, variant));
  return ((count + spares) * (memoryMb + diskMb + toolboxMemoryMb) + places * toolboxMemoryMb + harnessMb) * megabyte;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/**
 * One command of ours in a process of its own. It is asked to stop when the signal aborts, and stops by itself when this
 * process is gone, for the channel between them ends with it.
 */
function command(args: readonly string[], signal: AbortSignal, turn: Turn): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const stop = (): boolean => child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  child.on('message', (message: TurnMessage) => void passOn(message, turn, signal, child));
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  return new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, errors }));
  }).finally(() => signal.removeEventListener('abort', stop));
}
