import { describe, expect, it } from 'vitest';
import { keySlot } from '../../src/cluster/topology.ts';
import blockMainThread from '../../src/fault/block-main-thread.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';

describe('block-main-thread', () => {
  it('refuses DEBUG SLEEP where the engine would', () => {
    const fault = blockMainThread('node-1', { how: 'debug-sleep' });
    expect(() => planned(fault)).toThrow(/enable-debug-command, which is 'no'/);
    expect(planned(fault, paperCluster('valkey', '9.1.2', { 'enable-debug-command': 'local' }))).toMatchObject({ how: 'debug-sleep' });
    expect(planned(fault, paperCluster('redis', '6.0.16'))).toMatchObject({ how: 'debug-sleep' });
  });
  it('puts the huge key into a slot of the target, which must have slots', () => {
    const { hashTags } = planned(blockMainThread('node-3', { how: 'huge-del' }));
    expect(keySlot(`x{${hashTags[0]}}`)).toBeGreaterThanOrEqual(10_923);
    expect(() => planned(blockMainThread('node-4', { how: 'huge-del' }))).toThrow(/node-4 has none/);
  });
  it('does not wait for the block, and raises the time from which the engine would interrupt it', () => {
    const fault = blockMainThread('node-1', { blockFor: '7s' });
    const [limit, block] = fault.actions(planned(fault), 't-1');
    expect(scriptOf(limit?.do)).toContain("CONFIG SET lua-time-limit '7000'");
    expect(scriptOf(block?.do)).toContain('setsid sh');
    expect(block?.healWithinMs).toBeGreaterThan(7_000);
  });
  it('bites on silence or on a PING that waited, half the time at least', async () => {
    const fault = blockMainThread('node-1', { blockFor: '1s' });
    const look = (silentMs: number, waited: string) =>
      fault.effect(planned(fault), 't', {
        silentMs: () => silentMs,
        read: async (command: never) => ({ exitCode: 0, output: scriptOf(command).includes('waited') ? waited : '' }),
      } as never);
    expect(await look(600, '')).toMatchObject({ bites: true });
    expect(await look(0, '970')).toMatchObject({ bites: true });
    expect(await look(400, '400')).toMatchObject({ bites: false });
    expect(await look(0, '')).toMatchObject({ bites: false });
  });
});
