import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { together } from '../../src/base/together.ts';
import { floor, refusal } from '../../src/floor.js';
import { nodeOf, type ProvidedNode } from './nodes.ts';
import { recorded } from '../recorded.ts';

const root = path.join(import.meta.dirname, '..', '..');
const [major = 0, minor = 0] = floor.split('.').map(Number);
const lowest = `${floor}.0`;
/** The one just below; the last that the package allowed once; one that reads no TypeScript. */
const below = [`${major}.${minor - 1}.0`, '22.22.0', '20.20.2'];
const { bin, scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  bin: { slotquake: string };
  scripts: { slotquake: string };
};
/** What `npm run slotquake` starts. */
const started = path.join(root, scripts.slotquake.replace(/^node /, ''));

let built: string;
let nodes: ReadonlyMap<string, ProvidedNode>;
beforeAll(async () => {
  nodes = new Map(await together([lowest, ...below], async (version) => [version, await nodeOf(version)] as const));
  built = mkdtempSync(path.join(tmpdir(), 'slotquake-floor-'));
  copyFileSync(path.join(root, 'package.json'), path.join(built, 'package.json'));
  for (const folder of ['node_modules', 'compose']) symlinkSync(path.join(root, folder), path.join(built, folder));
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', path.join(root, 'tsconfig.build.json'), '--outDir', path.join(built, 'dist')]);
}, 600_000);
afterAll(() => rmSync(built, { recursive: true, force: true }));

type Skip = (condition: boolean, note?: string) => void;
/** A run of this version with these arguments; the test is skipped where there is no such Node. */
function runOn(version: string, skip: Skip, ...args: readonly string[]) {
  const node = nodes.get(version) ?? { missing: 'it was not asked for' };
  skip('missing' in node, 'missing' in node ? node.missing : '');
  const { status, stdout, stderr } = spawnSync('path' in node ? node.path : '', args, {
    cwd: built,
    encoding: 'utf8',
    env: { ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock', NODE_OPTIONS: '' },
  });
  return { status, stdout, stderr };
}
const refused = (version: string) => ({ status: 3, stdout: '', stderr: `slotquake: ${refusal(`v${version}`)}\n` });

describe(`Node ${lowest}, the oldest there may be,`, { timeout: 120_000 }, () => {
  it('loads every module, and warns of nothing', ({ skip }) => {
    const { status, stdout, stderr } = runOn(lowest, skip, path.join(root, 'test', 'fixtures', 'every-module.ts'));
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\d{3} modules\n$/);
    expect(status).toBe(0);
  });
  for (const [where, file] of [
    ['the checkout', () => started],
    ['the package', () => path.join(built, bin.slotquake)],
  ] as const) {
    it(`lists the faults in ${where}`, ({ skip }) =>
      expect(runOn(lowest, skip, file(), 'list', 'faults')).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('block-bus'),
        stderr: '',
      }));
    it(`judges a record in ${where}`, ({ skip }) => {
      const { run, events } = recorded();
      const record = mkdtempSync(path.join(built, 'record-'));
      writeFileSync(path.join(record, 'run.json'), JSON.stringify(run));
      writeFileSync(path.join(record, 'timeline.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      expect(runOn(lowest, skip, file(), 'report', record)).toMatchObject({ status: 0, stderr: '' });
    });
    it(`gets as far as the container engine in ${where}`, ({ skip }) =>
      expect(runOn(lowest, skip, file(), 'run', 'bus-port-blocked')).toMatchObject({
        status: 3,
        stderr: expect.stringMatching(/^slotquake: .*\/nowhere\/docker\.sock[^\n]*\n$/),
      }));
  }
});

for (const version of below) {
  describe(`Node ${version}, which is too old,`, { timeout: 60_000 }, () => {
    it('is refused in a sentence by `npm run slotquake`', ({ skip }) =>
      expect(runOn(version, skip, started, 'list')).toEqual(refused(version)));
    it('is refused in a sentence by the package', ({ skip }) =>
      expect(runOn(version, skip, path.join(built, bin.slotquake), 'list')).toEqual(refused(version)));
    it('is refused in a sentence as the message of an error by the library', ({ skip }) => {
      const { status, stderr } = runOn(version, skip, '--input-type=module', '--eval', "import 'slotquake';");
      expect(stderr).toContain(`\nError: ${refusal(`v${version}`)}\n`);
      expect(status).toBe(1);
    });
    if (version.startsWith('20.')) return;
    it('is refused in a sentence by src/cli.ts, which it can read', ({ skip }) =>
      expect(runOn(version, skip, '--no-warnings', path.join(root, 'src', 'cli.ts'), 'list')).toEqual(refused(version)));
  });
}
