import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import type { Driver } from '../src/driver.ts';
import { resolveEngineImage, resolveToolboxImage, toolboxImage } from '../src/image.ts';
import type { TimelineEvent } from '../src/timeline.ts';
import { type Ended, ended, start, verdicts } from './command-line.ts';
import { isRunOf, leftBy } from './own-runs.ts';

const quiet = path.join(import.meta.dirname, 'fixtures', 'undisturbed.ts');
let results: string;
let driver: Driver;

beforeAll(async () => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-test-'));
  driver = await dockerDriver();
  await resolveToolboxImage();
  await resolveEngineImage('redis:7.0');
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

const slotquake = (...args: string[]): Promise<Ended> => ended(start(...args));
const run = (...args: string[]): Promise<Ended> => slotquake('run', '--results', results, '--json', ...args);

describe('bus-port-blocked', () => {
  it('shows the symptom wounded, holds everything cured, and is judged the same from its record', async () => {
    const result = await run('bus-port-blocked', '--seed', '3');
    const [wounded, cured] = verdicts(result);
    expect(wounded, result.errors).toMatchObject({ verdict: 'as-expected' });
    expect(cured).toMatchObject({ verdict: 'as-expected' });
    expect(result.code).toBe(0);
    const again = await slotquake('check', wounded?.folder ?? '', '--json');
    expect(JSON.parse(again.output)).toMatchObject({ verdict: 'as-expected', findings: JSON.parse(JSON.stringify(wounded?.findings)) });
  });
});

describe('a healthy cluster', { timeout: 240_000 }, () => {
  it('is formed by CLUSTER MEET too', async () => {
    const result = await run(path.join(import.meta.dirname, 'fixtures', 'met.ts'));
    expect(verdicts(result)[0]?.verdict, result.errors + result.output).toBe('as-expected');
  });
  it('is reached by published ports as well as by address', async () => {
    const result = await run(quiet, '--reach', 'ports');
    expect(verdicts(result)[0]?.verdict, result.errors + result.output).toBe('as-expected');
  });
});

/** The folder of the run that a child has under way, as soon as its timeline has an event of this kind. */
async function reached(experiment: string, what: string, match: (event: TimelineEvent) => boolean): Promise<string> {
  const parent = path.join(results, experiment, 'cured');
  return poll(
    what,
    () => {
      const name = readdirSync(parent)
        .filter((entry) => entry !== 'latest')
        .sort()
        .at(-1) as string;
      const lines = readFileSync(path.join(parent, name, 'timeline.jsonl'), 'utf8')
        .split('\n')
        .slice(0, -1);
      if (!lines.some((line) => match(JSON.parse(line) as TimelineEvent))) throw new Error('not yet');
      return path.join(parent, name);
    },
    { withinMs: 90_000, everyMs: 2 },
  );
}

async function nothingLeft(pid: number | undefined): Promise<void> {
  await poll(
    'nothing of the run to be left',
    async () => {
      const left = await leftBy(driver, pid);
      if (left.length > 0) throw new Error(`${pid}: ${JSON.stringify(left).slice(0, 300)}`);
    },
    { withinMs: 30_000, everyMs: 50 },
  );
}

describe('the guard', () => {
  const points: readonly (readonly [string, (event: TimelineEvent) => boolean])[] = [
    ['while the cluster forms', (event) => event.type === 'phase-entered' && event.phase === 'form'],
    ['before a fault', (event) => event.type === 'phase-entered' && event.phase === 'disturb'],
    ['during the injection', (event) => event.type === 'fault-injecting'],
    ['after the injection', (event) => event.type === 'fault-injected'],
    ['while the fault bites', (event) => event.type === 'fault-effective'],
    ['during the heal', (event) => event.type === 'fault-healing'],
    ['after the heal', (event) => event.type === 'fault-healed'],
  ];
  for (const [index, [when, match]] of points.entries()) {
    it(`leaves nothing when the runner is killed ${when}`, async () => {
      const child = start('run', '--results', path.join(results, `kill-${index}`), 'bus-port-blocked', '--variant', 'cured', '--quiet');
      const end = ended(child);
      const folder = await reached(path.join(`kill-${index}`, 'bus-port-blocked'), when, match);
      child.kill('SIGKILL');
      await end;
      await nothingLeft(child.pid);
      // Killed this early, the runner may not even have started its guard.
      if (index === 0) return;
      const journal = (): string[] => readFileSync(path.join(folder, 'journal.jsonl'), 'utf8').split('\n');
      await poll(
        'the guard to call it clean',
        () => {
          if (!journal().some((line) => line.includes('"say":"clean"'))) throw new Error(journal().join(' '));
        },
        { withinMs: 30_000 },
      );
      for (const line of journal().filter((entry) => entry.includes('"read-back"')))
        expect(JSON.parse(line)).toMatchObject({ clean: true });
      // The record of a killed run is readable up to the moment of its end.
      expect((await slotquake('check', folder)).code).toBe(2);
    });
  }

  it('leaves nothing of the next cluster either when the runner is killed while that is being prepared', async () => {
    const child = start(
      'run',
      '--results',
      path.join(results, 'kill-stock'),
      'bus-port-blocked',
      '--variant',
      'cured',
      '--times',
      '2',
      '--quiet',
    );
    const end = ended(child);
    await poll(
      'two clusters of one runner',
      async () => {
        const own = (await driver.leftovers()).filter(({ runId }) => isRunOf(child.pid, runId));
        const sizes = own.map(({ resources }) => resources.filter(({ kind }) => kind === 'container').length);
        // An engine and its toolbox for each of six nodes.
        if (sizes.filter((containers) => containers >= 12).length < 2) throw new Error(JSON.stringify(sizes));
      },
      { withinMs: 90_000, everyMs: 50 },
    );
    child.kill('SIGKILL');
    await end;
    await nothingLeft(child.pid);
    expect(await leftBy(driver, child.pid)).toEqual([]);
  });

  it('undoes a fault that was only half injected when the runner was killed', async () => {
    const fixture = path.join(import.meta.dirname, 'fixtures', 'slow-fault.ts');
    const child = start('run', '--results', path.join(results, 'kill-half'), fixture, '--quiet');
    const end = ended(child);
    const folder = await reached(path.join('kill-half', 'slow-fault'), 'the injection', (event) => event.type === 'fault-injecting');
    const { id } = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as { id: string };
    expect(isRunOf(child.pid, id)).toBe(true);
    const hosts = await driver.adopt(id);
    const rules = async (): Promise<string> => (await hosts.perform({ run: 'toolbox', node: 'node-1', script: 'iptables-save' })).output;
    const half = await poll(
      'the first of two rules',
      async () => {
        const now = await rules();
        if (!/-A INPUT -j SLOTQUAKE-/.test(now)) throw new Error(now);
        return now;
      },
      { withinMs: 30_000, everyMs: 50 },
    );
    expect(half).not.toMatch(/-A OUTPUT -j SLOTQUAKE-/);
    child.kill('SIGKILL');
    await end;
    await nothingLeft(child.pid);
    const journal = await poll(
      'the guard to call it clean',
      () => {
        const text = readFileSync(path.join(folder, 'journal.jsonl'), 'utf8');
        if (!text.includes('"say":"clean"')) throw new Error(text);
        return text;
      },
      { withinMs: 30_000 },
    );
    const readBack = journal.split('\n').filter((line) => line.includes('"read-back"'));
    expect(readBack).toHaveLength(1);
    expect(JSON.parse(readBack[0] as string)).toMatchObject({ clean: true, residue: '' });
  });
});

describe('Ctrl-C', () => {
  const moments: readonly (readonly [string, (event: TimelineEvent) => boolean])[] = [
    ['while the cluster forms', (event) => event.type === 'phase-entered' && event.phase === 'form'],
    ['while a fault is in force', (event) => event.type === 'fault-injected'],
    ['while the cluster settles', (event) => event.type === 'phase-entered' && event.phase === 'settle'],
  ];
  for (const [index, [when, match]] of moments.entries()) {
    it(`${when} heals, cleans up, writes the record and exits with 130`, async () => {
      const child = start('run', '--results', path.join(results, `stop-${index}`), 'bus-port-blocked', '--variant', 'cured', '--quiet');
      const end = ended(child);
      const folder = await reached(path.join(`stop-${index}`, 'bus-port-blocked'), when, match);
      child.kill('SIGINT');
      const { code, errors } = await end;
      expect(code, errors).toBe(130);
      expect(errors).toMatch(/^slotquake: stopped by SIGINT; everything was healed .*\n$/);
      expect(await leftBy(driver, child.pid)).toEqual([]);
      const events = readFileSync(path.join(folder, 'timeline.jsonl'), 'utf8');
      expect(events.match(/"fault-healed"/g)?.length).toBe(events.match(/"fault-injecting"/g)?.length);
      expect(JSON.parse(readFileSync(path.join(folder, 'verdict.json'), 'utf8'))).toMatchObject({ verdict: 'aborted' });
    });
  }
});

describe('two runs at once', () => {
  it('both work', async () => {
    const both = await Promise.all([run(quiet), run(quiet)]);
    expect(both.map((result) => verdicts(result)[0]?.verdict)).toEqual(['as-expected', 'as-expected']);
  });
});

describe('bad input', () => {
  const bad: readonly (readonly [string, readonly string[], number])[] = [
    ['an unknown experiment', ['run', 'no-such-thing'], 64],
    ['an unknown variant', ['run', '--variant', 'healed'], 64],
    ['an unknown flag', ['run', '--sed', '1'], 64],
    ['an unpullable image', ['run', '--engine', 'no/such:image'], 3],
    ['an image that is no Redis', ['run', '--engine', toolboxImage], 64],
    ['a folder that is no record', ['check', import.meta.dirname], 64],
    ['nodes that cannot fit in memory', ['run', '--memory', '1000000'], 3],
    ['a subnet that clashes', ['run', '--subnet', '127.0.0.0/24'], 64],
    ['a file with a syntax error', ['run', path.join(import.meta.dirname, 'fixtures', 'syntax-error.mts')], 64],
    ['a file without a default export', ['run', path.join(import.meta.dirname, 'fixtures', 'no-default.ts')], 64],
    ['a file with an unknown field', ['run', path.join(import.meta.dirname, 'fixtures', 'unknown-field.ts')], 64],
    ['a file with a bad duration', ['run', path.join(import.meta.dirname, 'fixtures', 'bad-duration.ts')], 64],
    ['an unknown target', ['run', path.join(import.meta.dirname, 'fixtures', 'bad-target.ts')], 64],
  ];
  for (const [what, args, code] of bad) {
    it(`is one sentence, no stack, and leaves nothing: ${what}`, async () => {
      const child = start(...args, ...(args[0] === 'run' ? ['--results', results, '--quiet'] : []));
      const result = await ended(child);
      expect(result.code, result.errors).toBe(code);
      expect(result.errors).toMatch(/^slotquake: /);
      expect(result.errors).not.toMatch(/\n {4}at /);
      expect(await leftBy(driver, child.pid)).toEqual([]);
    });
  }
});

describe('a harness that stands still', () => {
  it('is not taken for a cluster that does', async () => {
    const child = start('run', '--results', results, '--json', path.join(import.meta.dirname, 'fixtures', 'stalled.ts'));
    const result = ended(child);
    await reached('stalled', 'the disturbance', (event) => event.type === 'phase-entered' && event.phase === 'disturb');
    child.kill('SIGSTOP');
    await setTimeout(1_500);
    child.kill('SIGCONT');
    const { code, output, errors } = await result;
    const [judgement] = verdicts({ code, output, errors });
    expect(judgement?.verdict, errors + output).toBe('inconclusive');
    expect(judgement?.findings.find(({ invariant }) => invariant === 'gap-bounded')?.finding).toMatchObject({
      outcome: 'unknown',
      because: expect.stringMatching(/slots took no write for [1-9]\.\d+ s.*the harness itself stood still for [1-9]\.\d+ s of it/),
    });
    expect(code).toBe(2);
  });
});

describe('a fault that does nothing', () => {
  it('makes the run inconclusive and says so', async () => {
    const result = await run(path.join(import.meta.dirname, 'fixtures', 'idle-fault.ts'));
    expect(verdicts(result)[0]).toMatchObject({ verdict: 'inconclusive', because: expect.stringContaining('the fault had no effect') });
    expect(result.code).toBe(2);
  });
});
