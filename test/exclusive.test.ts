import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import type { Command } from '../src/driver.ts';
import { exclusive, unheldByOthers } from '../src/exclusive.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-exclusive-'));
afterAll(() => rmSync(folder, { recursive: true }));

function run(command: Command): { readonly exitCode: number | null; readonly output: string } {
  const script = 'script' in command ? command.script.replaceAll('/tmp/', `${folder}/`) : '';
  const { status, stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  return { exitCode: status, output: stdout.trim() };
}

describe('what only one fault can hold', () => {
  it('refuses the second in words, which then undoes nothing of the first', () => {
    const [one, two] = [exclusive('node-1', 'a', 'freezer'), exclusive('node-1', 'b', 'freezer')];
    expect(run(one.do)).toEqual({ exitCode: 0, output: '' });
    expect(run(two.do)).toEqual({ exitCode: 1, output: 'the freezer of node-1 is held by another fault, a; heal that one first' });
    expect(run(two.undo).exitCode).toBe(0);
    expect(run(two.residue)).toEqual({ exitCode: 0, output: '' });
    expect(run(one.residue).output).toContain('holds the freezer');
    expect(run(unheldByOthers('node-1', 'a', 'freezer')).exitCode).toBe(0);
    expect(run(unheldByOthers('node-1', 'b', 'freezer')).exitCode).toBe(1);
    run(one.undo);
    run(one.undo);
    expect(run(one.residue)).toEqual({ exitCode: 0, output: '' });
    expect(run(two.do).exitCode).toBe(0);
  });
});
