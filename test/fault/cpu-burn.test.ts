import { describe, expect, it } from 'vitest';
import cpuBurn from '../../src/fault/cpu-burn.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

describe('cpu-burn', () => {
  const fault = cpuBurn('node-1');
  it('bites while the loops take processor time', async () => {
    const look = (output: string) => fault.effect(planned(fault), 't', witness({ read: () => ({ exitCode: 0, output }) }));
    expect(await look('100\n138')).toMatchObject({ bites: true, because: [expect.stringContaining('380 ms')] });
    expect(await look('100\n100')).toMatchObject({ bites: false });
    expect(await look('0\n0')).toMatchObject({ bites: false });
    expect(await look('')).toMatchObject({ bites: false });
  });
  it('refuses none and a hundred', () => {
    for (const processes of [0, 100]) expect(() => cpuBurn('node-1', { processes })).toThrow(/processes/);
  });
});
