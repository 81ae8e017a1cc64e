import { stripVTControlCharacters } from 'node:util';
import { engine, type Hosts } from '../driver.ts';
import { wasAsked } from '../driver/interpreter.ts';
import { hangs } from '../timeline/hangs.ts';

export interface ClusterCheck {
  readonly exitCode: number;
  /** The sentences with which it objects; none where it finds all well. */
  readonly objections: readonly string[];
  /** Why it could not be asked, as where an image has no shell or no client; left out where it was. */
  readonly unasked?: string;
}

/** Of a shell that finds no program, or one that it cannot run (POSIX sh). */
const notFound = [126, 127];

/** Asks the engine's own `--cluster check` from one node (redis-cli.c clusterManagerCommandCheck). */
export async function clusterCheck(hosts: Hosts, node: string): Promise<ClusterCheck> {
  // No standard input, and a bounded time: it waits for a node that hangs.
  const result = await hosts.perform(engine(node, 'timeout 4 $CLI --cluster check 127.0.0.1:6379 </dev/null 2>&1'));
  const { exitCode, output } = result;
  if (!wasAsked(result) || notFound.includes(exitCode)) return { exitCode, objections: [], unasked: output || `it ended with ${exitCode}` };
  return { exitCode, objections: objectionsOf(exitCode, output) };
}

export function objectionsOf(exitCode: number, output: string): string[] {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .map((line) => line.trim());
  // What timeout(1) had to end waits for a node that hangs.
  if (lines.includes('Terminated') || exitCode === 124) return [hangs];
  const objections = lines
    .filter((line) => /^(\[(ERR|WARNING)\]|\*\*\* )|Could not connect|Failed to|: ERR /.test(line))
    .map((line) => line.replace(/^(\[\w+\]|\*\*\*) */, ''));
  if (exitCode !== 0 && objections.length === 0) return [lines.findLast((line) => line !== '') ?? `it ended with ${exitCode}`];
  return [...new Set(objections)];
}
