import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Consistency } from '../../src/consistency.ts';

export interface Measured {
  readonly verdict: string;
  readonly because: string;
  /** Of the engine. */
  readonly version: string;
  readonly consistency: Consistency;
}

export const flag = (name: string, fallback: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? fallback);
};

/** One run of an experiment by the command line, and what its record shows. */
export function measured(experiment: string, ...flags: readonly string[]): Measured {
  const root = path.join(import.meta.dirname, '..', '..');
  const args = ['src/cli.ts', 'run', experiment, ...flags, '--json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (!line) throw new Error(`expected a verdict of ${args.join(' ')}, got: ${stderr || stdout}`);
  const { verdict, because, folder } = JSON.parse(line) as { verdict: string; because: string; folder: string };
  const read = (file: string): unknown => JSON.parse(readFileSync(path.resolve(root, folder, file), 'utf8'));
  const { version } = (read('run.json') as { engine: { version: string } }).engine;
  return { verdict, because, version, consistency: read('consistency.json') as Consistency };
}
