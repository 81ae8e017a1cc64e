import { describe, expect, it } from 'vitest';
import meet from '../../src/fault/meet.ts';
import { planned } from './planned.ts';

describe('meet', () => {
  it('takes an address of the network that nobody has', () =>
    expect(planned(meet('node-1'))).toMatchObject({ nodes: ['node-1'], address: '10.0.0.250:6379' }));
  it('refuses the address of a member or a spare', () => {
    expect(() => planned(meet('node-1', { address: '10.0.0.12' }))).toThrow(/is node-2/);
    expect(() => planned(meet('node-1', { address: '10.0.0.17:6379' }))).toThrow(/is spare-1/);
  });
  it('takes no host name, as the engine takes none', () => expect(() => meet('node-1', { address: 'somewhere' })).toThrow(/IPv4/));
});
