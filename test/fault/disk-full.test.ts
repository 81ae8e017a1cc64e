import { describe, expect, it } from 'vitest';
import diskFull from '../../src/fault/disk-full.ts';
import { planned, scriptOf } from './planned.ts';
import { Sandbox } from './sandbox.ts';
import { witness } from './witness.ts';

describe('disk-full', () => {
  const fault = diskFull('node-1');
  it('fills no file system that others may share', () => {
    using sandbox = new Sandbox();
    const step = fault.actions(planned(fault), 't')[1];
    const script = scriptOf(step?.do).replaceAll('4294967296', '1');
    const refused = sandbox.run({ run: 'files', node: 'node-1', script });
    expect(refused).toMatchObject({ exitCode: 1, output: expect.stringContaining('which others may share') });
    expect(sandbox.files()).toEqual({});
  });
  it('bites when no more is free than wanted, and when that is nothing, when nothing can be written', async () => {
    const look = (freeBytes: number, output: string) => {
      const some = diskFull('node-1', { freeBytes });
      return some.effect(planned(some), 't', witness({ read: () => ({ exitCode: 0, output }) }));
    };
    expect(await look(0, '0\nrefused')).toMatchObject({ bites: true });
    expect(await look(0, '0\nwritten')).toMatchObject({ bites: false });
    expect(await look(0, '4096\nrefused')).toMatchObject({ bites: false });
    expect(await look(5_000, '4096')).toMatchObject({ bites: true });
    expect(await look(5_000, '8192')).toMatchObject({ bites: false });
  });
});
