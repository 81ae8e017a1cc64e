import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import type { Judgement } from '../src/judge.ts';

const cli = path.join(import.meta.dirname, '..', 'src', 'cli.ts');

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export type Verdict = Judgement & { readonly folder: string };

/** A command of ours as a process of its own. */
export const start = (...args: string[]): ChildProcess => spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });

/** What it has said when it is over. */
export function ended(child: ChildProcess): Promise<Ended> {
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output, errors })));
}

/** What `run --json` has said of each run. */
export const verdicts = ({ output }: Ended): Verdict[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Verdict);
