// @ts-check
// Plain JavaScript without dependencies: it runs on the Node that is there, before anything is installed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { floor, isCurrent } from './floor.js';

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const localNode = path.join(root, 'node_modules', '.bin', 'node');
const stamp = path.join(root, 'node_modules', '.slotquake-lock');

/** @param {string[]} args */
const npm = (args) =>
  execFileSync('npm', [...args, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });

try {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    console.log('set-up: installing the dependencies');
    npm(['ci']);
    writeFileSync(stamp, lock);
  }
  // The Node that runs this may have been the one in node_modules, which the installation above has just removed.
  if (!existsSync(localNode) && (!isCurrent(process.version) || !existsSync(process.execPath))) {
    console.log('set-up: installing a current Node beside the one of this machine');
    npm(['install', '--no-save', 'node@24']);
  }
  const node = existsSync(localNode) ? localNode : process.execPath;
  let version = 'one that does not start';
  try {
    version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  } catch {}
  if (!isCurrent(version))
    throw new Error(`expected Node ${floor} or later at ${node}, got ${version}; install it, or remove node_modules and try again`);
  execFileSync(node, [path.join(root, 'src', 'prepare.ts')], { stdio: 'inherit' });
} catch (error) {
  const failed = /** @type {{ status?: number | null, message?: string }} */ (error);
  // What ran as a process has said itself what is wrong.
  if (failed.status === undefined || failed.status === null) console.error(`slotquake: ${failed.message}`);
  process.exitCode = 3;
}
