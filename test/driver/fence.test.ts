import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Command, CommandResult, HostState } from '../../src/driver.ts';
import { endShells, endShellsOf, placesOf, shellMark } from '../../src/driver/fence.ts';
import { notAsked, type Script } from '../../src/driver/interpreter.ts';
import { fine, script } from '../paper.ts';

const inEngine = (node: string): Command => ({ run: 'engine', node, script: 'true' });
const inFiles = (node: string): Command => ({ run: 'files', node, script: 'true' });

describe('the places of commands', () => {
  it('are where their scripts run, each once', () =>
    expect(placesOf([script('node-1', 'a'), script('node-1', 'b'), inFiles('node-1'), inEngine('node-2')])).toEqual([
      { run: 'toolbox', node: 'node-1' },
      { run: 'files', node: 'node-1' },
      { run: 'engine', node: 'node-2' },
    ]));
  it('are those of the scripts inside others too, also at other nodes', () =>
    expect(
      placesOf([
        {
          run: 'sequence',
          node: 'node-1',
          commands: [
            { run: 'together', node: 'node-1', commands: [inEngine('node-2'), inEngine('node-3')] },
            { run: 'if', node: 'node-1', condition: script('node-1', 'condition'), deed: inFiles('node-1') },
          ],
        },
      ]),
    ).toEqual([
      { run: 'engine', node: 'node-2' },
      { run: 'engine', node: 'node-3' },
      { run: 'toolbox', node: 'node-1' },
      { run: 'files', node: 'node-1' },
    ]));
  it('are none of what the container engine does', () =>
    expect(
      placesOf([
        { run: 'surgeon', node: 'node-1', script: 'true' },
        { run: 'alive', node: 'node-1' },
        { run: 'pause', node: 'node-1' },
      ]),
    ).toEqual([]));
});

describe('the fence', () => {
  beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
  afterEach(() => void vi.useRealTimers());

  /** Fences process 4711 off three places, and tells what was asked where. */
  async function fencing(
    answer: (command: Script) => CommandResult | Promise<CommandResult> = () => fine,
    status: HostState['status'] = 'running',
  ) {
    const asked: Script[] = [];
    const fenced = endShells(4711, [script('node-1', 'undo'), inFiles('node-1'), inEngine('node-2')], {
      script: async (command) => {
        asked.push(command);
        return answer(command);
      },
      status: async (node) => (node === 'node-2' ? status : 'gone'),
    }).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    await vi.runAllTimersAsync();
    return { asked, places: asked.map(({ run, node }) => `${run} ${node}`), error: await fenced };
  }

  it('ends the shells of that process in every place', async () => {
    const { asked, places, error } = await fencing();
    expect(error).toBeUndefined();
    expect(places).toEqual(['toolbox node-1', 'files node-1', 'engine node-2']);
    for (const command of asked) expect(command.script).toBe(endShellsOf(4711));
  });
  it('leaves an engine alone that does not run or cannot be entered', async () => {
    for (const status of ['paused', 'exited', 'restarting', 'gone'] as const) {
      const { places, error } = await fencing(undefined, status);
      expect(error).toBeUndefined();
      expect(places).toEqual(['toolbox node-1', 'files node-1']);
    }
  });
  it('tries again where a shell ended under its hands', async () => {
    let tries = 0;
    const { places, error } = await fencing(({ run }) => (run === 'files' && ++tries < 3 ? notAsked(new Error('it has ended')) : fine));
    expect(error).toBeUndefined();
    expect(places.filter((place) => place === 'files node-1')).toHaveLength(3);
  });
  it('says where shells are left, and has ended all others', async () => {
    const { error, places } = await fencing(({ run }) => (run === 'toolbox' ? { exitCode: 1, output: 'no tr' } : fine));
    expect(error?.message).toBe('waited 10.0 s for the toolbox shells of process 4711 at node-1 to end, still lacking: no tr');
    expect(places).toEqual(expect.arrayContaining(['files node-1', 'engine node-2']));
  });
});

describe('the end of shells', () => {
  it('takes those of the one process, each with what it runs, and no other', () => {
    const proc = mkdtempSync(path.join(tmpdir(), 'slotquake-proc-'));
    onTestFinished(() => rmSync(proc, { recursive: true }));
    const processes = {
      11: ['sh', '-s', shellMark(4711)],
      12: ['sh', '-s', shellMark(47)],
      13: ['sh', '-s', shellMark(47_110)],
      14: ['sh', '-c', 'sh', '-s', shellMark(4711)],
      15: ['redis-server', '*:6379'],
      16: ['sh', '-s', shellMark(4711)],
    };
    for (const [pid, argv] of Object.entries(processes)) {
      mkdirSync(path.join(proc, pid));
      writeFileSync(path.join(proc, pid, 'cmdline'), argv.map((word) => `${word}\0`).join(''));
    }
    // One that ended while they were listed.
    mkdirSync(path.join(proc, '17'));
    const killing = `kill() { echo "kill $*"; }; ${endShellsOf(4711).replaceAll('/proc/', `${proc}/`)}`;
    expect(spawnSync('sh', ['-c', killing], { encoding: 'utf8' })).toMatchObject({
      stdout: 'kill -9 -11\nkill -9 -16\n',
      stderr: '',
      status: 0,
    });
  });
});
