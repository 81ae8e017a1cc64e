import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import resetConnections from '../../src/fault/reset-connections.ts';
import { planned, scriptOf } from './planned.ts';
import { Sandbox } from './sandbox.ts';

describe('reset-connections', () => {
  // A machine has more processes to look through than a container.
  it('repeats it until it is undone, which may be at once', { timeout: 60_000 }, async () => {
    using sandbox = new Sandbox();
    writeFileSync(path.join(sandbox.data, 'ss'), '#!/bin/sh\necho a b c d\n');
    chmodSync(path.join(sandbox.data, 'ss'), 0o755);
    const fault = resetConnections('node-1', { every: '60s' });
    const [action] = fault.actions(planned(fault), `t${process.pid}`);
    const local = (command: Parameters<typeof scriptOf>[0]) =>
      sandbox.run({ ...command, script: `PATH=/data:$PATH; ${scriptOf(command).replaceAll('/tmp/', '/data/')}` } as never);
    try {
      // The kernel takes a moment to end a process that was killed.
      const undone = () =>
        expect
          .poll(() => [local(action?.undo).exitCode, local(action?.residue)], { timeout: 20_000 })
          .toEqual([0, { exitCode: 0, output: '' }]);
      expect(local(action?.do)).toEqual({ exitCode: 0, output: '' });
      expect(local(action?.residue).output).toMatch(/-reset\.pid\n/);
      await undone();
      expect(local(action?.do)).toEqual({ exitCode: 0, output: '' });
      await undone();
      expect(Object.keys(sandbox.files())).toEqual(['ss']);
    } finally {
      local(action?.undo);
    }
  });
  it('needs no process for a single time', () => {
    const fault = resetConnections('node-1');
    expect(scriptOf(fault.actions(planned(fault), 't')[0]?.do)).not.toContain('setsid');
  });
});
