import { describe, expect, it } from 'vitest';
import cpuThrottle from '../../src/fault/cpu-throttle.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

describe('cpu-throttle', () => {
  const fault = cpuThrottle('node-1');
  it('bites when the kernel has held the container back between two looks', async () => {
    const look = (...periods: number[]) =>
      fault.effect(
        planned(fault),
        't',
        witness({ read: () => ({ exitCode: 0, output: JSON.stringify({ memoryBytes: 1, throttledPeriods: periods.shift() }) }) }),
      );
    expect(await look(4, 6)).toMatchObject({ bites: true, because: [expect.stringContaining('2 periods')] });
    expect(await look(4, 4)).toMatchObject({ bites: false });
  });
  it('exposes its victims as frozen', () => expect(fault.exposes(planned(fault))).toEqual([{ node: 'node-1', how: 'frozen' }]));
  it('refuses what the kernel cannot give', () => {
    for (const cpus of [0, 0.001, 1_000]) expect(() => cpuThrottle('node-1', { cpus })).toThrow(/cpus/);
  });
});
