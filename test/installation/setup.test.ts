import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');
const execute = promisify(execFile);

let checkout: string;
beforeAll(async () => {
  checkout = path.join(mkdtempSync(path.join(tmpdir(), 'slotquake-setup-')), 'slotquake');
  await execute('git', ['clone', '--quiet', root, checkout]);
}, 60_000);
// What npm has installed are thousands of files.
afterAll(() => rmSync(path.dirname(checkout), { recursive: true, force: true }), 60_000);

/** As a stranger's shell runs it, without the Node of this checkout. */
const setUp = async (): Promise<string> => {
  const search = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => !folder.includes('node_modules'));
  const { stdout } = await execute('npm', ['run', '--silent', 'setup'], {
    cwd: checkout,
    // Without what only the tests need: these have been installed by the same means, or this one would not run.
    env: { ...process.env, PATH: search.join(path.delimiter), npm_config_omit: 'dev' },
  });
  return stdout;
};

describe('the set-up in a fresh clone', { timeout: 240_000 }, () => {
  it('installs, has nothing to say the second time, and survives a changed lock file, with which its own Node is replaced', async () => {
    expect(await setUp()).toContain('set-up: installing the dependencies');
    expect(await setUp()).not.toContain('installing');
    writeFileSync(path.join(checkout, 'node_modules', '.slotquake-lock'), 'of an older lock file');
    expect(await setUp()).toContain('set-up: installing the dependencies');
    expect(await setUp()).not.toContain('installing');
  });
});
