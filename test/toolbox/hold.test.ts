import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { needsPython, python } from '../python.ts';

describe('the packet holder', () => {
  it('does what its tests in its own language say: hold_test.py', (context) => {
    needsPython(context);
    const { status, stderr } = spawnSync(python, ['-B', '-m', 'unittest', 'hold_test'], { cwd: import.meta.dirname, encoding: 'utf8' });
    expect(stderr).toMatch(/^Ran [1-9]\d* tests .*\n\nOK\n$/m);
    expect(status).toBe(0);
  });
});
