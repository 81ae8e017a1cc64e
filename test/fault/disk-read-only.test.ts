import { describe, expect, it } from 'vitest';
import diskReadOnly from '../../src/fault/disk-read-only.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

describe('disk-read-only', () => {
  const fault = diskReadOnly('node-1');
  it('bites when the kernel refuses to create a file because the file system is read-only, and only then', async () => {
    const look = (output: string) => fault.effect(planned(fault), 't', witness({ read: () => ({ exitCode: 1, output }) }));
    expect(await look("sh: can't create /data/.slotquake-probe-t: Read-only file system")).toMatchObject({ bites: true });
    expect(await look('created')).toMatchObject({ bites: false });
    expect(await look("sh: can't create /data/.slotquake-probe-t: No space left on device")).toMatchObject({ bites: false });
    expect(await look('the engine of node-1 is paused')).toMatchObject({ bites: false });
  });
  it('takes off nothing where the engine, and with it the mount, is gone', () => {
    const { undo, residue } = fault.actions(planned(fault), 't').at(-1) ?? {};
    for (const command of [undo, residue])
      expect(command).toMatchObject({ run: 'if', condition: { run: 'alive' }, deed: { run: 'surgeon' } });
  });
});
