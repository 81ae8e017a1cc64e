import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../src/cli/doctor.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { readTimeline } from '../src/timeline/timeline.ts';
import { version } from '../src/version.ts';

const root = path.join(import.meta.dirname, '..');
const execute = promisify(execFile);
const npm = (cwd: string, ...args: string[]) =>
  execute('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'], { cwd, maxBuffer: 2 ** 26 });

let folder: string;
/** What a user's shell runs, on the Node of this test. */
const slotquake = async (...args: string[]): Promise<string> =>
  (
    await execute(path.join(folder, 'node_modules', '.bin', 'slotquake'), args, {
      cwd: folder,
      env: { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH']}` },
    })
  ).stdout;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slotquake-package-'));
  await resolveToolboxImage();
  await resolveEngineImage('redis:7.0');
  const { stdout } = await npm(root, 'pack', '--json', '--pack-destination', folder);
  const tarball = /slotquake-[\w.-]+\.tgz/.exec(stdout)?.[0] ?? '';
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  await npm(folder, 'install', '--omit=dev', `./${tarball}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package, installed into an empty folder', () => {
  it('says its version', async () => expect((await slotquake('--version')).trim()).toBe(version));
  it('lists its experiments', async () => expect(await slotquake('list')).toContain('bus-port-blocked'));
  it('examines the machine', async () => {
    const checks = JSON.parse(await slotquake('doctor', '--json')) as Check[];
    expect(checks.filter(({ status }) => status === 'missing')).toEqual([]);
  });
  it('runs an experiment of its user, in TypeScript, on real containers', async () => {
    writeFileSync(
      path.join(folder, 'mine.ts'),
      `import { defineExperiment, type Experiment } from 'slotquake';
import blockBus from 'slotquake/fault/block-bus';

const mine: Experiment = {
  name: 'mine',
  hypothesis: 'A replica that loses its bus port for a moment harms nobody.',
  cluster: { config: { 'cluster-node-timeout': 3_000 } },
  variants: { cured: {} },
  async disturb({ inject, until }) {
    await using _blocked = await inject(blockBus('one replica'));
    await until('the fault bites', (timeline) => timeline.of('fault-effective').length > 0, '1700ms');
  },
};
export default defineExperiment(mine);
`,
    );
    const verdict = JSON.parse(await slotquake('run', './mine.ts', '--json')) as { verdict: string; because: string; folder: string };
    expect(verdict).toMatchObject({ verdict: 'as-expected' });
    const record = path.join(folder, verdict.folder);
    expect(readTimeline(record).defects).toEqual([]);
    expect(readFileSync(path.join(record, 'report.html'), 'utf8')).toContain('mine');
  });
});
