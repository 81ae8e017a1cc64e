import { describe, expect, it } from 'vitest';
import restart from '../../src/fault/restart.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

describe('restart', () => {
  const fault = restart('node-4');
  it('bites when the engine runs as a process that is younger than the fault', async () => {
    const look = (...seen: Parameters<typeof witness>) => fault.effect(planned(fault), 't', witness(...seen));
    expect(await look({ state: { startedAtEpochMs: 1_001 } })).toMatchObject({ bites: true });
    expect(await look({ state: { startedAtEpochMs: 999 } })).toMatchObject({ bites: false });
    expect(await look({ state: { startedAtEpochMs: 1_001, status: 'exited' } })).toMatchObject({ bites: false });
  });
});
