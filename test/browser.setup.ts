import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { messageOf } from '../src/base/errors.ts';

const run = promisify(execFile);
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Either a browser that starts, or the reason why there is none. */
export type Browser = { readonly path: string } | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    readonly browser: Browser;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const browser = await findBrowser();
  if ('missing' in browser) console.log(`set-up: no browser for the tests of the report: ${browser.missing}`);
  project.provide('browser', browser);
}

async function findBrowser(): Promise<Browser> {
  const found = await firstThatStarts();
  if (found !== undefined) return { path: found };
  if (process.env['SLOTQUAKE_INSTALL_BROWSER'] === 'no') return { missing: 'none is installed, and SLOTQUAKE_INSTALL_BROWSER=no' };
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return { missing: 'none is installed, and only root on Debian or Ubuntu can have one installed; install chromium by hand' };
  console.log('set-up: installing chromium with apt-get, for the tests of the report (SLOTQUAKE_INSTALL_BROWSER=no refuses this)');
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], { env, maxBuffer: 2 ** 26 });
  } catch (error) {
    return { missing: `chromium could not be installed (${messageOf(error).split('\n')[0]})` };
  }
  const installed = await firstThatStarts();
  return installed === undefined ? { missing: 'what apt-get installed does not start; a snap needs a running snapd' } : { path: installed };
}

/** A file alone proves nothing: Ubuntu's chromium-browser is a script that only names a snap. */
async function firstThatStarts(): Promise<string | undefined> {
  for (const path of places) {
    if (!existsSync(path)) continue;
    try {
      await run(path, ['--version']);
      return path;
    } catch {
      // The next one may.
    }
  }
  return undefined;
}
