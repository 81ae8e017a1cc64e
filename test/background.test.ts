import { describe, expect, it } from 'vitest';
import { background, ticksOf } from '../src/background.ts';
import type { Command } from '../src/driver.ts';
import { Sandbox } from './fault/sandbox.ts';

const inside = (command: Command): Command => (command.run === 'if' ? command.deed : command);

describe('processes in the background', () => {
  // A machine has more processes to look through than a container.
  it('run until they are undone, each by its own name', { timeout: 60_000 }, () => {
    using sandbox = new Sandbox();
    const names = ['a', 'b'].map((tag) => `slotquake-test-${process.pid}-${tag}`);
    const [one, two] = names.map((name) => background('node-1', name, 'sleep 600 & wait', { count: 2 }));
    try {
      expect(sandbox.run(one?.do)).toEqual({ exitCode: 0, output: '' });
      expect(sandbox.run(two?.do)).toEqual({ exitCode: 0, output: '' });
      expect(sandbox.run(inside(one?.residue as Command)).output.split('\n')).toHaveLength(2);
      expect(sandbox.run(ticksOf('node-1', names[0] as string)).output).toMatch(/^\d+\n\d+$/);
      expect(sandbox.run(inside(one?.undo as Command)).exitCode).toBe(0);
      expect(sandbox.run(inside(one?.residue as Command))).toEqual({ exitCode: 0, output: '' });
      expect(sandbox.run(inside(two?.residue as Command)).output.split('\n')).toHaveLength(2);
    } finally {
      for (const action of [one, two]) sandbox.run(inside(action?.undo as Command));
    }
    expect(sandbox.run(inside(two?.residue as Command))).toEqual({ exitCode: 0, output: '' });
    expect(sandbox.run(inside(two?.undo as Command)).exitCode).toBe(0);
  });
  it('are not looked for in a container that does not run', () => {
    const { undo, residue } = background('node-1', 'x', 'true');
    for (const command of [undo, residue]) expect(command).toMatchObject({ run: 'if', condition: { run: 'alive' } });
  });
});
