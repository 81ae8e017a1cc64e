import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditResult } from '../src/audit.ts';
import { poll } from '../src/base/poll.ts';
import { dockerDriver } from '../src/driver/docker.ts';

const cli = path.join(import.meta.dirname, '..', 'src', 'cli.ts');
const experiments = ['audited-timeout', 'audited-backlog']
  .map((name) => path.join(import.meta.dirname, 'fixtures', `${name}.ts`))
  .join(',');
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'slotquake-audit-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const start = (conf: string, ...args: string[]): ChildProcess => {
  const file = path.join(scratch, 'redis.conf');
  writeFileSync(file, conf);
  const all = ['audit', '--redis-conf', file, '--only', experiments, '--results', scratch, ...args];
  return spawn(process.execPath, [cli, ...all], { stdio: ['ignore', 'pipe', 'pipe'] });
};

function audit(
  conf: string,
  ...args: string[]
): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
  const child = start(conf, ...args);
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output, errors })));
}

describe('an audit', () => {
  const conf =
    'Cluster-Enabled yes\nsave 900 1\nmaxmemory-policy allkeys-lru\nCLUSTER-NODE-TIMEOUT 6000\nrepl-backlog-size 64mb\nport 7000\nno-such-thing 1\n';

  it('tells what the settings are exposed to and what they protect from, with scaled values that the engine has', async () => {
    const junit = path.join(scratch, 'audit.xml');
    const { code, output, errors } = await audit(conf, '--json', '--junit', junit);
    expect(code, errors).toBe(1);
    const result = JSON.parse(output) as AuditResult;
    expect(result.failures).toMatchObject([
      {
        experiment: 'audited-timeout',
        answer: 'exposed',
        because: 'patient: it waits 1200 ms',
        deciding: [{ directive: 'cluster-node-timeout', value: '6000', ranWith: '1200', factor: 0.2 }],
      },
      {
        experiment: 'audited-backlog',
        answer: 'protected',
        deciding: [{ directive: 'repl-backlog-size', value: '64mb', ranWith: '4mb' }],
      },
    ]);
    expect(result.failures[0]?.deciding[0]?.at[0]).toMatch(/redis\.conf:4$/);
    expect(result.warnings).toMatchObject([{ directive: 'no-such-thing', because: expect.stringContaining('has no such directive') }]);
    expect(result.apart.map(({ directive }) => directive)).toEqual(['port']);
    for (const { report } of result.failures) expect(existsSync(report ?? '')).toBe(true);
    expect(readFileSync(junit, 'utf8')).toContain('failures="1"');
    expect(JSON.parse(readFileSync(path.join(result.folder, 'audit.json'), 'utf8'))).toEqual(result);
  });

  it('is content where what it is exposed to is accepted, fills in what the engine has by default, and tries the remedy', async () => {
    const { code, output, errors } = await audit(
      'cluster-enabled yes\nmaxmemory-policy allkeys-lru\n',
      '--accept',
      'audited-backlog',
      '--jobs',
      '1',
      '--remedies',
    );
    expect(output).toMatch(/EXPOSED, ACCEPTED {2}audited-backlog/);
    expect(output).toMatch(/repl-backlog-size {2}1mb {2}the engine's default {2}ran with 64kb \(× 1\/16\)/);
    expect(output).toMatch(/repl-backlog-size 64mb\n {2}with it {3}protected: all 1 properties held/);
    expect(code, errors).toBe(0);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`that gets ${signal} leaves no run behind`, async () => {
      const results = path.join(scratch, signal);
      const child = start('cluster-enabled yes\n', '--results', results, '--jobs', '2');
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      const runs = await poll('both runs to have containers', () => runsBelow(results), { withinMs: 120_000 });
      child.kill(signal);
      expect(await ended).toBe(signal === 'SIGINT' ? 130 : null);
      const driver = await dockerDriver();
      await poll(
        'nothing of them to be left',
        async () => {
          const left = (await driver.leftovers()).filter(({ runId }) => runs.includes(runId));
          if (left.length > 0) throw new Error(JSON.stringify(left).slice(0, 300));
        },
        { withinMs: signal === 'SIGINT' ? 1 : 20_000 },
      );
    });
  }
});

/** The ids of two runs that have formed their clusters. */
function runsBelow(results: string): readonly string[] {
  const files = readdirSync(results, { recursive: true, encoding: 'utf8' }).filter(
    (file) => path.basename(file) === 'run.json' && !file.includes('latest'),
  );
  if (files.length < 2) throw new Error(`there are ${files.length}`);
  return files.map((file) => (JSON.parse(readFileSync(path.join(results, file), 'utf8')) as { readonly id: string }).id);
}
