import { describe, expect, it } from 'vitest';
import forget from '../../src/fault/forget.ts';
import { paperCluster, planned } from './planned.ts';

describe('forget', () => {
  it('plans the same for the same seed, as JSON', () => {
    const fault = forget('one replica');
    expect(JSON.parse(JSON.stringify(planned(fault)))).toEqual(planned(fault));
  });
  it('refuses to let a replica forget its own primary, and says how to leave it out', () => {
    expect(() => planned(forget('node-1'))).toThrow(/node-4 cannot forget its own primary.*except its replica/);
    expect(planned(forget('node-1', { at: 'everyone else except its replica' }))).toMatchObject({
      at: ['node-2', 'node-3', 'node-5', 'node-6'],
    });
  });
  it('refuses a target that is to forget itself', () =>
    expect(() => planned(forget('node-4', { at: 'node-4' }))).toThrow(/others than the target/));
  it('also brings back those who only heard of it, where bans spread', () => {
    expect(planned(forget('node-4', { at: 'node-2' }))).toMatchObject({ hearers: [] });
    expect(planned(forget('node-4', { at: 'node-2' }), paperCluster('redis', '8.0.2'))).toMatchObject({
      hearers: ['node-1', 'node-3', 'node-5', 'node-6'],
    });
  });
  it('bites once those who were told list it no more, a handshake aside', async () => {
    const fault = forget('node-4', { at: 'node-2' });
    const { topology } = paperCluster();
    const look = (flags: string[]) =>
      fault.effect(planned(fault), 't', { views: () => new Map([['node-2', [{ ...topology[3], flags }]]]) } as never);
    expect(await look(['slave'])).toMatchObject({ bites: false });
    expect(await look(['handshake'])).toMatchObject({ bites: true });
    expect(await fault.effect(planned(fault), 't', { views: () => new Map() } as never)).toMatchObject({ bites: false });
  });
});
