import { describe, expect, it } from 'vitest';
import pause from '../../src/fault/pause.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

describe('pause', () => {
  const fault = pause('node-1');
  const look = (...seen: Parameters<typeof witness>) => fault.effect(planned(fault), 't', witness(...seen));
  it('bites when the container engine says so and PINGs go unanswered', async () => {
    expect(await look({ state: { status: 'paused' }, silentMs: 90 })).toMatchObject({ bites: true });
    expect(await look({ state: { status: 'paused' } })).toMatchObject({ bites: false });
    expect(await look({ silentMs: 90 })).toMatchObject({ bites: false });
  });
  it('exposes its victims as frozen', () => expect(fault.exposes(planned(fault))).toEqual([{ node: 'node-1', how: 'frozen' }]));
});
