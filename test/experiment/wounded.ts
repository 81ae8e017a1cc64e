import { spawn } from 'node:child_process';
import path from 'node:path';

const cli = path.join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** The folder of a wounded run that the command line has made. */
export async function wounded(experiment: string, engine: string, results: string): Promise<string> {
  const args = ['run', experiment, '--variant', 'wounded', '--engine', engine, '--results', results, '--json'];
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  const line = output.split('\n').find((text) => text.startsWith('{')) ?? '{}';
  return (JSON.parse(line) as { folder: string }).folder;
}
