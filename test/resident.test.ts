import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endResidents, residents } from '../src/resident.ts';

const run = (script: string): string => spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.trim();

describe('a process that a fault leaves running', () => {
  it('is told by its word alone, and ended with its group', { timeout: 60_000 }, async () => {
    const word = `slotquake-test=${process.pid}=`;
    const other = `slotquake-test=${process.pid}0=`;
    const start = (name: string) => spawn('sh', ['-c', 'sleep 600 & wait', name], { detached: true, stdio: 'ignore' });
    const [mine, theirs] = [start(word), start(other)];
    const ended = once(mine, 'exit');
    try {
      expect(run(residents(word))).toBe(`${mine.pid}`);
      run(endResidents(word));
      await ended;
      expect(run(residents(word))).toBe('');
      expect(run(residents(other))).toBe(`${theirs.pid}`);
    } finally {
      run(endResidents(word));
      run(endResidents(other));
    }
  });
});
