import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../src/base/errors.ts';

const run = promisify(execFile);
/** Git ignores it, and the next test finds it. */
const kept = path.join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'nodes');
const unreachable = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;

/** Either a Node of the wanted version, or the reason why there is none. */
export type ProvidedNode = { readonly path: string } | { readonly missing: string };

/** A Node of this version; the npm package `node` has all of them. */
export async function nodeOf(version: string): Promise<ProvidedNode> {
  const node = path.join(kept, version);
  if (existsSync(node)) return { path: node };
  mkdirSync(kept, { recursive: true });
  const half = mkdtempSync(path.join(kept, 'installing-'));
  try {
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=1', '--prefix', half];
    await run('npm', ['install', ...flags, `node@${version}`], { cwd: half });
    // It gets its name when it is whole, and nothing else of the package is needed.
    renameSync(path.join(half, 'node_modules', 'node', 'bin', 'node'), node);
  } catch (error) {
    const reason = unreachable.exec(messageOf(error))?.[1];
    if (reason === undefined) throw error;
    return { missing: `the npm registry, which has Node ${version}, cannot be reached (${reason})` };
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return { path: node };
}
