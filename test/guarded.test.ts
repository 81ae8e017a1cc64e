import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { messageOf } from '../src/base/errors.ts';
import { nameOf } from '../src/driver/owner.ts';
import { guard, type GuardMessage, type GuardReply } from '../src/guard.ts';
import { GuardLink, type GuardProcess } from '../src/guarded.ts';
import { failureOf, PaperHosts, script } from './paper.ts';

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true, toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const step = { undo: script('node-1', 'undo'), residue: script('node-1', 'look') };

/** The process of a guard without the process: its pipes, what came through them, and its end. */
class PaperProcess extends EventEmitter implements GuardProcess {
  readonly pid = process.pid;
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly heard: GuardMessage[] = [];
  readonly lines = createInterface({ input: this.stdin.pipe(new PassThrough()) });
  held = true;
  started: unknown[] = [];

  constructor() {
    super();
    this.lines.on('line', (line) => this.heard.push(JSON.parse(line) as GuardMessage));
  }

  reply(message: GuardReply): void {
    this.stdout.write(`${JSON.stringify(message)}\n`);
  }

  end(exitCode: number | null, signalCode: NodeJS.Signals | null = null): void {
    [this.exitCode, this.signalCode] = [exitCode, signalCode];
    this.emit('exit', exitCode, signalCode);
  }

  unref = (): void => void (this.held = false);
}

/** A link to a process that is ready. */
async function linked(child = new PaperProcess(), onLost = vi.fn<() => void>()) {
  const starting = GuardLink.start('run-1', 'journal.jsonl', 'heal', onLost, (...started) => {
    child.started = started;
    return child;
  });
  child.reply({ say: 'ready' });
  return { link: await starting, child, onLost };
}
/** Lets the pipes carry what is in them. */
const carried = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('the link to a guard', () => {
  it('starts it for this process, is there when it is ready, and keeps nothing from ending', async () => {
    const child = new PaperProcess();
    let there = false;
    const starting = GuardLink.start(
      'run-1',
      'journal.jsonl',
      'heal',
      () => {},
      (...started) => {
        child.started = started;
        return child;
      },
    ).then((link) => {
      there = true;
      return link;
    });
    await carried();
    expect(there).toBe(false);
    expect(child.held).toBe(true);
    child.reply({ say: 'ready' });
    expect((await starting).name).toBe(nameOf(process.pid));
    const [command, [file = '', ...args], options] = child.started as [string, string[], unknown];
    expect(command).toBe(process.execPath);
    expect(existsSync(file)).toBe(true);
    expect(args).toEqual(['run-1', 'journal.jsonl', `${process.pid}`, 'heal']);
    // Nothing that ends this session ends it, and it holds no pipe that another could wait for.
    expect(options).toEqual({ detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
    expect(child.held).toBe(false);
  });
  it('says so where the guard ends before it is ready', async () => {
    const child = new PaperProcess();
    const starting = GuardLink.start(
      'run-1',
      'journal.jsonl',
      'remove',
      () => {},
      () => child,
    );
    child.end(1);
    await expect(starting).rejects.toThrow('the guard process ended before it was ready; does the container engine answer?');
  });
  it('says so where the guard never is', async () => {
    const starting = GuardLink.start(
      'run-1',
      'journal.jsonl',
      'remove',
      () => {},
      () => new PaperProcess(),
    );
    const failed = failureOf(starting);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(messageOf(await failed)).toBe('starting the guard took longer than 15.0 s');
  });
  it('tells every undo, and is done with it when that is noted and not before', async () => {
    const { link, child } = await linked();
    const done: number[] = [];
    const first = link.register({ ...step, healWithinMs: 7 }).then((id) => done.push(id));
    const second = link.register(step, true).then((id) => done.push(id));
    await carried();
    expect(child.heard).toEqual([
      { say: 'register', id: 0, ...step, withinMs: 7 },
      { say: 'register', id: 1, ...step, last: true },
    ]);
    expect(done).toEqual([]);
    child.reply({ say: 'noted', id: 1 });
    await second;
    expect(done).toEqual([1]);
    child.reply({ say: 'noted', id: 0 });
    await first;
    expect(done).toEqual([1, 0]);
  });
  it('refuses the deed where the undo is not noted', async () => {
    const { link, child } = await linked();
    const refused = failureOf(link.register(step));
    child.reply({ say: 'noted', id: 5 });
    await carried();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(messageOf(await refused)).toBe('the guard to note an undo took longer than 2.00 s');
  });
  it('tells what is undone', async () => {
    const { link, child } = await linked();
    link.undone(3);
    await carried();
    expect(child.heard).toEqual([{ say: 'undone', id: 3 }]);
  });
  it('tells when the guard is lost, and survives what it cannot be told any more', async () => {
    const { link, child, onLost } = await linked();
    child.end(null, 'SIGKILL');
    expect(onLost).toHaveBeenCalledOnce();
    child.stdin.destroy(new Error('EPIPE'));
    await carried();
    link.undone(0);
    await carried();
  });
});

describe('a farewell', () => {
  it('lets the guard go, which is no loss, and ends when it is gone', async () => {
    const { link, child, onLost } = await linked();
    let gone = false;
    const leaving = link.farewell().then(() => (gone = true));
    await carried();
    expect(child.heard).toEqual([{ say: 'farewell' }]);
    expect(child.stdin.writableEnded).toBe(true);
    expect(gone).toBe(false);
    child.end(0);
    await leaving;
    expect(onLost).not.toHaveBeenCalled();
  });
  it('is not said to one that is gone', async () => {
    for (const end of [
      [1, null],
      [null, 'SIGKILL'],
    ] as [number | null, NodeJS.Signals | null][]) {
      const { link, child } = await linked();
      child.end(...end);
      await link.farewell();
      await carried();
      expect(child.heard).toEqual([]);
    }
  });
  it('fails where the guard stays', async () => {
    const { link } = await linked();
    const failed = failureOf(link.farewell());
    await vi.advanceTimersByTimeAsync(5_000);
    expect(messageOf(await failed)).toBe('the guard to leave took longer than 5.00 s');
  });
  it('is not said to a guard that is abandoned: it is to do its work, which is no loss', async () => {
    const { link, child, onLost } = await linked();
    link.abandon();
    await carried();
    expect(child.heard).toEqual([]);
    expect(child.stdin.writableEnded).toBe(true);
    child.end(0);
    expect(onLost).not.toHaveBeenCalled();
  });
});

describe('a runner and its guard', () => {
  /** Both ends of the pipes, with hosts on paper. */
  async function both() {
    const child = new PaperProcess();
    const hosts = new PaperHosts();
    const work = guard({
      driver: { adopt: async () => hosts, leftovers: async () => [] },
      runId: 'run-1',
      runnerPid: 1,
      mode: 'heal',
      lines: child.lines,
      reply: (message) => child.reply(message),
      journal: () => {},
    }).finally(() => child.end(0));
    const link = await GuardLink.start(
      'run-1',
      '',
      'heal',
      () => {},
      () => child,
    );
    return { link, work, hosts };
  }

  it('understand one another: after a farewell nothing is undone', async () => {
    const { link, work, hosts } = await both();
    await link.register(step);
    await link.farewell();
    await work;
    expect(hosts.performed).toEqual([]);
  });
  it('understand one another: what was not undone is, once the pipe ends without one', async () => {
    const { link, work, hosts } = await both();
    link.undone(await link.register({ undo: script('node-1', 'done'), residue: step.residue }));
    await link.register(step);
    link.abandon();
    await work;
    expect(hosts.performed).toEqual([step.undo, step.residue]);
  });
});
