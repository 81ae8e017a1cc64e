import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import type { Command } from '../../src/driver.ts';
import clockSkew from '../../src/fault/clock-skew.ts';
import { planned, scriptOf } from './planned.ts';
import { witness } from './witness.ts';

describe('clock-skew', () => {
  it('reads a jump with its sign, and hands it on in nanoseconds', () => {
    expect(planned(clockSkew('node-1', { offset: '-1.5h' }))).toMatchObject({ offsetMs: -5_400_000 });
    const fault = clockSkew('node-1', { offset: '30s', driftPercent: 2, monotonic: true });
    const script = scriptOf(fault.actions(planned(fault), 't')[1]?.do);
    expect(script).toContain("struct.pack('<5q', 30000000000, 20000,");
    // Every clock that counts the time of day or from boot, and no clock of processor time.
    expect(script).toContain(`, ${(1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 11)})`);
  });
  it('refuses nothing at all, what is no duration, and a monotonic clock that goes back', () => {
    expect(() => planned(clockSkew('node-1'))).toThrow(UsageError);
    expect(() => clockSkew('node-1', { offset: 'yesterday' })).toThrow(/offset/);
    expect(() => planned(clockSkew('node-1', { offset: '-1s', monotonic: true }))).toThrow(/set a monotonic clock back/);
  });
  it('bites when the engine tells another time than its machine, by about as much as planned', async () => {
    const look = (parameters: Parameters<typeof clockSkew>[1], engineMs: number) => {
      const fault = clockSkew('node-1', parameters);
      const read = ({ run }: Command) => ({
        exitCode: 0,
        output: run === 'toolbox' ? '1000000' : `${Math.floor(engineMs / 1_000)}\n${(engineMs % 1_000) * 1_000}`,
      });
      return fault.effect(planned(fault), 't', { ...witness({ read }), sinceEpochMs: Date.now() - 10_000 });
    };
    expect(await look({ offset: '30s' }, 1_030_000)).toMatchObject({ bites: true, because: ['node-1: its clock is off by 30000 ms'] });
    expect(await look({ offset: '30s' }, 1_000_010)).toMatchObject({ bites: false });
    expect(await look({ offset: '-30s' }, 1_030_000)).toMatchObject({ bites: false });
    expect(await look({ driftPercent: 10 }, 1_001_000)).toMatchObject({ bites: true });
    expect(await look({ driftPercent: 10 }, 1_000_020)).toMatchObject({ bites: false });
  });
  it('says nothing of an engine that does not answer', async () => {
    const fault = clockSkew('node-1', { offset: '30s' });
    const silent = witness({ read: ({ run }) => ({ exitCode: 1, output: run === 'toolbox' ? '1000000' : 'Could not connect' }) });
    expect(await fault.effect(planned(fault), 't', silent)).toMatchObject({ bites: false });
  });
});
