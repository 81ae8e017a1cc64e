import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Command, type CommandResult, engine } from '../src/driver.ts';
import { interpret, notAsked } from '../src/driver/interpreter.ts';
import type { Action } from '../src/fault.ts';
import { forgotten, printStrangers, rememberedMembership, spreadsBans } from '../src/membership.ts';
import { scriptOf } from './fault/planned.ts';

const [mine, other, strange] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const own = `${mine} 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-100`;
const peer = `${other} 10.0.0.2:6379@16379 slave ${mine} 0 0 1 connected`;

const remembering = rememberedMembership({ name: 'node-1', id: mine }, 't-1', 'nodes.conf', engine('node-1', 'true'))[1] as Action;

describe('the memory of a node', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'membership-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs a script beside an engine that shows these lines as CLUSTER NODES and agrees to everything else. */
  const run = (script: string, view: readonly string[]): { exitCode: number | null; output: string; asked: string } => {
    const cli = path.join(folder, 'cli');
    writeFileSync(path.join(folder, 'view'), `${view.join('\n')}\n`);
    writeFileSync(cli, `#!/bin/sh\ncase "$*" in 'CLUSTER NODES') cat ${folder}/view ;; *) echo "$*" >&3; echo OK ;; esac\n`);
    chmodSync(cli, 0o755);
    const { status, output } = spawnSync('sh', ['-c', script.replaceAll('/tmp/', `${folder}/`)], {
      env: { PATH: process.env['PATH'], CLI: cli },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const [, out = '', err = '', asked = ''] = output as (string | null)[];
    return { exitCode: status, output: `${out ?? ''}${err ?? ''}`.trim(), asked: (asked ?? '').trim() };
  };

  const member = { name: 'node-2', id: other, place: '10.0.0.2 6379' };
  const forgetting = (tells: boolean, bansSpread: boolean) => forgotten('node-1', 't-1', member, tells, bansSpread)[1] as Action;
  it('lists a member until it is told to forget it, and meets it again', () => {
    const action = forgetting(true, false);
    expect(run(scriptOf(action.do), [own, peer]).asked).toBe(`CLUSTER FORGET ${other}`);
    expect(run(scriptOf(action.residue), [own])).toMatchObject({ exitCode: 0, output: 'node-1 does not list node-2' });
    expect(run(scriptOf(action.undo), [own]).asked).toBe('CLUSTER MEET 10.0.0.2 6379');
    const handshake = peer.replace('slave', 'handshake');
    expect(run(scriptOf(action.residue), [own, handshake]).output).toContain('does not list');
    expect(run(scriptOf(action.residue), [own, peer])).toEqual({ exitCode: 0, output: '', asked: '' });
  });
  it('needs no meeting where nobody was forgotten', () =>
    expect(run(scriptOf(forgetting(true, true).undo), [own, peer])).toEqual({ exitCode: 0, output: '', asked: '' }));
  it('waits for the ban where bans spread', () => {
    const action = forgetting(false, true);
    expect(run(scriptOf(action.do), [own]).asked).toBe('');
    expect(run(scriptOf(action.undo), [own]).asked).toBe('');
    expect(run(scriptOf(action.residue), [own, peer]).output).toBe('the ban of CLUSTER FORGET still stands');
  });
  it('shows strangers at a place and those without one, but no member', () => {
    const lines = [own, peer, `${strange} 10.0.0.9:6379@16379 handshake - 0 0 0 connected`];
    const print = printStrangers('10.0.0.9:6379', [mine, other]);
    expect(run(print, lines).output).toContain(strange);
    expect(run(print, [own, peer, `${strange} :0@0 master,noaddr - 0 0 0 disconnected`]).output).toContain('noaddr');
    expect(run(print, [own, peer, `${strange} 10.0.0.90:6379@16379 master - 0 0 0 connected`]).output).toBe('');
  });
  it('cannot be read from an engine that tells nothing', () =>
    expect(run(scriptOf(forgetting(true, false).residue), ['CLUSTERDOWN']).exitCode).toBe(1));
});

describe('a remembered membership', () => {
  const reset = own.replace(' 0-100', '');
  let folder = '';
  /** What CLUSTER NODES shows; null where the engine lives and does not answer. */
  let view: string | null = '';
  let alive = true;
  let deeds: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'membership-'));
    writeFileSync(path.join(folder, 'nodes.conf'), `${own}\nbefore\n`);
    writeFileSync(path.join(folder, 'cli'), `#!/bin/sh\ncat ${folder}/view 2>/dev/null\n`);
    chmodSync(path.join(folder, 'cli'), 0o755);
    alive = true;
    deeds = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (name: string): string => path.join(folder, name);
  const conf = (): string => readFileSync(file('nodes.conf'), 'utf8');
  const left = (): string[] => readdirSync(folder).filter((name) => name.startsWith('slotquake-nodes-conf'));
  const script = (text: string): CommandResult => {
    const local = text.replaceAll('/tmp/', `${folder}/`).replaceAll('/data/', `${folder}/`);
    const { status, stdout } = spawnSync('sh', ['-c', local], { env: { PATH: process.env['PATH'], CLI: file('cli') }, encoding: 'utf8' });
    return { exitCode: status ?? -1, output: stdout.trim() };
  };
  const ok: CommandResult = { exitCode: 0, output: '' };
  /** Carries a command out as a driver does, on this folder and an engine that is two variables. */
  const perform = (command: Command): Promise<CommandResult> =>
    interpret(command, {
      script: async ({ run: place, script: text }) => {
        if (place !== 'engine') return script(text);
        if (!alive) return notAsked(new Error('it does not run'));
        rmSync(file('view'), { force: true });
        if (view !== null) writeFileSync(file('view'), `${view}\n`);
        return script(text);
      },
      deed: async (deed) => {
        if (deed.run === 'surgeon') return script(deed.script);
        deeds.push(deed.run);
        if (deed.run === 'kill') alive = false;
        if (deed.run === 'start') alive = true;
        return ok;
      },
      status: async () => (alive ? 'running' : 'exited'),
    });
  /** Saves, and leaves the engine and its file as the deed has made them. */
  const after = async (shown: string | null, onDisk: string): Promise<void> => {
    expect(await perform(remembering.do)).toEqual(ok);
    view = shown;
    writeFileSync(file('nodes.conf'), onDisk);
  };

  it('is put back while the engine is down', async () => {
    await after(reset, `${reset}\n`);
    expect((await perform(remembering.undo)).exitCode).toBe(0);
    expect(deeds).toEqual(['kill', 'start']);
    expect(conf()).toBe(`${own}\nbefore\n`);
    expect(left()).toEqual([]);
  });
  it('is let go, and the file left alone, where nothing was forgotten', async () => {
    for (const line of [own, `${mine} 10.0.0.1:6379@16379 myself,slave ${other} 0 0 1 connected`]) {
      deeds = [];
      await after(line, `${line}\nnewer\n`);
      expect((await perform(remembering.undo)).exitCode).toBe(0);
      expect(deeds).toEqual(['start']);
      expect(conf()).toBe(`${line}\nnewer\n`);
      expect(left()).toEqual([]);
    }
  });
  it('waits under an engine that lives and does not answer', async () => {
    await after(null, `${reset}\n`);
    expect(await perform(remembering.undo)).toMatchObject({ exitCode: 1, output: expect.stringContaining('tells no topology') });
    expect(conf()).toBe(`${reset}\n`);
    expect(left()).toHaveLength(1);
    expect(deeds).toEqual([]);
  });
  it('goes by the file where the engine is down already', async () => {
    for (const [onDisk, then] of [
      [`${reset}\n`, `${own}\nbefore\n`],
      [`${own}\nnewer\n`, `${own}\nnewer\n`],
    ] as const) {
      writeFileSync(file('nodes.conf'), `${own}\nbefore\n`);
      await after(null, onDisk);
      alive = false;
      expect((await perform(remembering.undo)).exitCode).toBe(0);
      expect(conf()).toBe(then);
      expect(left()).toEqual([]);
    }
  });
  it('is put back also when the undo broke off after it had ended the engine', async () => {
    await after(reset, 'half a file');
    writeFileSync(file('slotquake-nodes-conf-t-1.ended'), '');
    alive = false;
    expect((await perform(remembering.undo)).exitCode).toBe(0);
    expect(conf()).toBe(`${own}\nbefore\n`);
  });
});

describe('the ban of CLUSTER FORGET', () => {
  it('spreads from Redis 7.2 on and in every Valkey', () => {
    const spreads = (kind: 'redis' | 'valkey', version: string): boolean => spreadsBans({ engine: { kind, version, image: '' } });
    expect(['6.0.16', '7.0.15'].some((version) => spreads('redis', version))).toBe(false);
    expect(['7.2.0', '8.0.2'].every((version) => spreads('redis', version))).toBe(true);
    expect(spreads('valkey', '8.1.1')).toBe(true);
  });
});
