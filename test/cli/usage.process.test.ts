import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { workloadOptions } from '../../src/workload.ts';
import { allWorkloads } from '../../src/workloads.ts';

const cli = path.join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const slotquake = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });

describe('the command line', () => {
  it('prints its help when nothing is asked of it, and that is no error', () => {
    const { status, stdout, stderr } = slotquake();
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: slotquake');
    expect(stderr).toBe('');
  });
  const mistyped: readonly (readonly [args: readonly string[], suggestion: string])[] = [
    [['rnu'], 'run'],
    [['run', '--vriant', 'cured'], '--variant'],
    [['run', 'bus-port-blokced'], 'bus-port-blocked'],
    [['run', 'bus-port-blocked', '--variant', 'curd'], 'cured'],
    [['catalogue', 'bus-port-blokced'], 'bus-port-blocked'],
    [['catalogue', 'bus-port-blocked', '--variant', 'wounded,curd'], 'cured'],
    [['catalogue', 'bus-port-blocked/curd'], 'cured'],
    [['completion', 'bsh'], 'bash'],
    [['list', 'worklods'], 'workloads'],
  ];
  for (const [args, suggestion] of mistyped) {
    it(`suggests ${suggestion} for ${args.join(' ')}`, () => {
      const { status, stderr } = slotquake(...args);
      expect(status).toBe(64);
      expect(stderr).toMatch(/^slotquake: [^\n]+\n$/);
      expect(stderr).toContain(`(did you mean ${suggestion}?)`);
    });
  }
  const empty: readonly (readonly [flag: string, says: RegExp])[] = [
    ['--variant', /expected variants of bus-port-blocked \(.*cured.*\), got none/],
    ['--engine', /expected engines, such as redis:7\.0, got none/],
  ];
  for (const [flag, says] of empty) {
    it(`refuses a catalogue with an empty ${flag}`, () => {
      const { status, stderr } = slotquake('catalogue', 'bus-port-blocked', flag, ',');
      expect(status).toBe(64);
      expect(stderr).toMatch(/^slotquake: [^\n]+\n$/);
      expect(stderr).toMatch(says);
    });
  }
  const settings: readonly (readonly [text: string, says: string])[] = [
    ['{ "cluster-node-timeout": ', 'expected a JSON file of settings'],
    ['[]', 'expected the file to be an object of redis.conf directives, got an empty list'],
    ['{ "cluster-node-timeout": true }', 'expected cluster-node-timeout to be a number'],
    ['{ "Save It": "1" }', 'expected Save It to be named as a directive of redis.conf is'],
  ];
  for (const [text, says] of settings) {
    it(`refuses ${text} as settings in a sentence`, () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-settings-'));
      try {
        const file = path.join(folder, 'settings.json');
        writeFileSync(file, text);
        const { status, stderr } = slotquake('run', 'bus-port-blocked', '--config', file);
        expect(status).toBe(64);
        expect(stderr).toMatch(/^slotquake: [^\n]+\n$/);
        expect(stderr).toContain(says);
        expect(stderr).toContain(file);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
  it('has an example for every command', () => {
    const commands = [...slotquake().stdout.matchAll(/^ {2}([a-z]+)(?: [[<].*?)? {2,}\S/gm)].map(([, name = '']) => name);
    expect(commands).toContain('sweep');
    for (const name of commands) expect(slotquake(name, '--help').stdout, name).toMatch(/Examples?:\n {2}slotquake /);
  }, 60_000);
  it('completes the experiments and the commands', () => {
    expect(slotquake('completion', 'bash').stdout).toMatch(/run\) words="[^"]*--variant[^"]*bus-port-blocked/);
    expect(slotquake('completion', 'fish').stdout).toContain('__fish_use_subcommand');
  });
  it('lists each workload with what it promises, what is its own, and what every one has', async () => {
    const { stdout } = slotquake('list', 'workloads');
    for (const [name, { kind }] of await allWorkloads()) {
      expect(stdout).toContain(name);
      expect(stdout).toContain(kind.about);
      expect(stdout).toContain(kind.promise);
    }
    for (const option of ['ttlMs', ...Object.keys(workloadOptions.shape)]) expect(stdout).toContain(` ${option} `);
    expect(stdout).toMatch(/client .*bare, ioredis, iovalkey, node-redis.*by default bare/);
  });
  it('completes what can be listed', () => expect(slotquake('completion', 'bash').stdout).toMatch(/ list\) words="[^"]*workloads/));
});
