import { describe, expect, it } from 'vitest';
import { background, ticksOf } from '../src/background.ts';
import type { Command } from '../src/driver.ts';
import { scriptOf } from './fault/planned.ts';
import { Sandbox } from './fault/sandbox.ts';

const inside = (command: Command): Command => (command.run === 'if' ? command.deed : command);

describe('processes in the background', () => {
  it('run until they are undone, each by its own name', { timeout: 60_000 }, () => {
    const mine = `SLOTQUAKE_TEST=${process.pid}`;
    using sandbox = new Sandbox({ SLOTQUAKE_TEST: `${process.pid}` });
    // A machine has more processes to look through than a container: a shell each takes its time.
    const own = `$(grep -lzsx '${mine}' /proc/[0-9]*/environ | cut -d/ -f1-3)`;
    const run = (command: Command | undefined) =>
      sandbox.run({ run: 'engine', node: 'node-1', script: scriptOf(inside(command as Command)).replaceAll('/proc/[0-9]*', own) });
    const names = ['a', 'b'].map((tag) => `slotquake-test-${process.pid}-${tag}`);
    const [one, two] = names.map((name) => background('node-1', name, 'sleep 600 & wait', { count: 2 }));
    try {
      expect(run(one?.do)).toEqual({ exitCode: 0, output: '' });
      expect(run(two?.do)).toEqual({ exitCode: 0, output: '' });
      expect(run(one?.residue).output.split('\n')).toHaveLength(2);
      expect(run(ticksOf('node-1', names[0] as string)).output).toMatch(/^\d+\n\d+$/);
      expect(run(one?.undo).exitCode).toBe(0);
      expect(run(one?.residue)).toEqual({ exitCode: 0, output: '' });
      expect(run(two?.residue).output.split('\n')).toHaveLength(2);
    } finally {
      for (const action of [one, two]) run(action?.undo);
    }
    expect(run(two?.residue)).toEqual({ exitCode: 0, output: '' });
    expect(run(two?.undo).exitCode).toBe(0);
  });
  it('are not looked for in a container that does not run', () => {
    const { undo, residue } = background('node-1', 'x', 'true');
    for (const command of [undo, residue]) expect(command).toMatchObject({ run: 'if', condition: { run: 'alive' } });
  });
});
