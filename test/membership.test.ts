import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engine } from '../src/driver.ts';
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
  it('is what makes an undo end the engine: only a primary without slots has lost it', () => {
    const { undo } = remembering;
    const conditions = undo.run === 'sequence' && undo.commands[0]?.run === 'if' && undo.commands[0].deed;
    const condition = scriptOf((conditions && conditions.run === 'if' && conditions.condition) || undefined);
    expect(run(condition, [own.replace(' 0-100', '')]).exitCode).toBe(0);
    expect(run(condition, [own]).exitCode).toBe(1);
    expect(run(condition, [own.replace('master -', `slave ${other}`).replace(' 0-100', ''), peer]).exitCode).toBe(1);
  });
  it('cannot be read from an engine that tells nothing', () =>
    expect(run(scriptOf(forgetting(true, false).residue), ['CLUSTERDOWN']).exitCode).toBe(1));
});

describe('a remembered membership', () => {
  const action = remembering;
  it('is saved before the deed and put back while the engine is down', () => {
    expect(action.do).toMatchObject({ run: 'sequence', commands: [{ run: 'files' }, { run: 'engine' }] });
    expect(action.undo).toMatchObject({
      run: 'sequence',
      commands: [{ run: 'if' }, { run: 'files' }, { run: 'if', deed: { run: 'start' } }],
    });
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
