import { type ChildProcessByStdio, spawn, type SpawnOptionsWithStdioTuple } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { SlotquakeError } from './base/errors.ts';
import { within } from './base/poll.ts';
import { nameOf } from './driver/owner.ts';
import type { Action } from './fault.ts';
import type { GuardMessage, GuardMode, GuardReply } from './guard.ts';

/** What of a child process the link needs. */
export interface GuardProcess extends Pick<
  ChildProcessByStdio<Writable, Readable, null>,
  'pid' | 'stdin' | 'stdout' | 'exitCode' | 'signalCode' | 'unref'
> {
  on(event: 'exit', listener: (exitCode: number | null) => void): unknown;
  once(event: 'exit', listener: (exitCode: number | null) => void): unknown;
}

/** In a session of its own, so that it outlives the runner. */
const apart: SpawnOptionsWithStdioTuple<'pipe', 'pipe', 'ignore'> = { detached: true, stdio: ['pipe', 'pipe', 'ignore'] };

/** The runner's side of the guard: starts it, and tells it every undo before the deed. */
export class GuardLink {
  /** The guard's process; see driver/owner.ts. */
  readonly name: string;
  readonly #child: GuardProcess;
  readonly #noted = new Map<number, () => void>();
  #parting = false;
  #next = 0;

  private constructor(child: GuardProcess, onLost: () => void) {
    this.#child = child;
    this.name = nameOf(child.pid ?? 0);
    child.stdin.on('error', () => {});
    child.on('exit', () => {
      if (!this.#parting) onLost();
    });
  }

  /** Resolves when the guard watches. `onLost` is called when it ends before it was told to: nothing may be injected then. */
  static async start(
    runId: string,
    journalFile: string,
    mode: GuardMode,
    onLost: () => void,
    start: (command: string, args: readonly string[], options: typeof apart) => GuardProcess = spawn,
  ): Promise<GuardLink> {
    const script = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './guard/process.ts' : './guard/process.js', import.meta.url));
    const child = start(process.execPath, [script, runId, journalFile, `${process.pid}`, mode], apart);
    const link = new GuardLink(child, onLost);
    const lines = createInterface({ input: child.stdout });
    const ready = Promise.withResolvers<void>();
    child.on('exit', () =>
      ready.reject(new SlotquakeError('the guard process ended before it was ready; does the container engine answer?')),
    );
    lines.on('line', (line) => {
      const reply = JSON.parse(line) as GuardReply;
      if (reply.say === 'ready') ready.resolve();
      else link.#noted.get(reply.id)?.();
    });
    await within('starting the guard', 15_000, ready.promise);
    child.unref();
    return link;
  }

  /** Resolves once the guard has the undo in its journal; only then may the deed be done. `last`: when all others are clean. */
  async register(
    { undo, residue, healWithinMs: withinMs }: Pick<Action, 'undo' | 'residue' | 'healWithinMs'>,
    last?: true,
  ): Promise<number> {
    const id = this.#next++;
    const noted = Promise.withResolvers<void>();
    this.#noted.set(id, noted.resolve);
    this.#tell({ say: 'register', id, undo, residue, withinMs, last });
    await within('the guard to note an undo', 2_000, noted.promise);
    return id;
  }

  undone(id: number): void {
    this.#tell({ say: 'undone', id });
  }

  /** Everything is undone and removed, or kept on purpose: the guard may go. */
  async farewell(): Promise<void> {
    this.#parting = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#tell({ say: 'farewell' });
    this.#child.stdin.end();
    await within('the guard to leave', 5_000, gone);
  }

  /** Ends the pipe without a farewell: the guard takes over, as if this process were gone. */
  abandon(): void {
    this.#parting = true;
    this.#child.stdin.end();
  }

  #tell(message: GuardMessage): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}
