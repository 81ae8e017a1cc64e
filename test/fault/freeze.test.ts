import { describe, expect, it } from 'vitest';
import freeze from '../../src/fault/freeze.ts';
import pause from '../../src/fault/pause.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

describe('freeze', () => {
  const fault = freeze('node-1');
  const look = (...seen: Parameters<typeof witness>) => fault.effect(planned(fault), 't', witness(...seen));
  it('bites when the container engine says so and PINGs go unanswered', async () => {
    expect(await look({ state: { stopped: true }, silentMs: 90 })).toMatchObject({ bites: true });
    expect(await look({ state: { stopped: true } })).toMatchObject({ bites: false });
    expect(await look({ silentMs: 90 })).toMatchObject({ bites: false });
  });
  it('and a pause exclude each other at a node', () => {
    const paused = pause('node-1');
    expect(fault.actions(planned(fault), 't')[0]).toEqual(paused.actions(planned(paused), 't')[0]);
  });
  it('exposes its victims as frozen', () => expect(fault.exposes(planned(fault))).toEqual([{ node: 'node-1', how: 'frozen' }]));
});
