import { describe, expect, it } from 'vitest';
import reshard from '../../src/fault/reshard.ts';
import { paperCluster, planned } from './planned.ts';

describe('reshard', () => {
  it('plans the first slots of the target and one who takes them', () => {
    expect(planned(reshard('node-2', { slots: 3, to: 'node-3' }))).toMatchObject({
      nodes: ['node-2', 'node-3'],
      slots: [5461, 5462, 5463],
    });
    expect(planned(reshard('node-2'))).toEqual(planned(reshard('node-2')));
  });
  it('refuses replicas at either end, and a way that leads nowhere', () => {
    expect(() => planned(reshard('node-4'))).toThrow(/node-4 has none/);
    expect(() => planned(reshard('node-1', { to: 'node-4' }))).toThrow(/one primary that is not the target/);
    expect(() => planned(reshard('node-1', { to: 'node-1' }))).toThrow(/one primary that is not the target/);
  });
  it('bites when the new owner claims a slot that it had not', async () => {
    const fault = reshard('node-1', { slots: 2, to: 'node-3' });
    const node = paperCluster().topology[2];
    const look = (slots: [number, number][]) =>
      fault.effect(planned(fault), 't', {
        views: () => new Map([['node-3', [{ ...node, flags: ['myself', 'master'], slots }]]]),
        read: async () => ({ exitCode: 0, output: '' }),
      } as never);
    expect(await look([[10_923, 16_383]])).toMatchObject({ bites: false });
    expect(
      await look([
        [0, 0],
        [10_923, 16_383],
      ]),
    ).toMatchObject({ bites: true });
  });
});
