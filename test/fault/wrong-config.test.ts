import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import wrongConfig from '../../src/fault/wrong-config.ts';
import { planned } from './planned.ts';

describe('wrong-config', () => {
  const fault = wrongConfig('one replica', { setting: 'maxmemory', value: '1mb' });
  it('plans the same victim for the same seed, as JSON', () => {
    expect(planned(fault)).toEqual(planned(fault));
    expect(JSON.parse(JSON.stringify(planned(fault)))).toEqual(planned(fault));
  });
  it('wants a setting and a value of one line', () => {
    expect(() => wrongConfig('node-1', { setting: 'max memory', value: '1' })).toThrow(UsageError);
    expect(() => wrongConfig('node-1', { setting: 'maxmemory', value: '1\n2' })).toThrow(UsageError);
    expect(() => wrongConfig('node-1', { setting: 'maxmemory' } as never)).toThrow(/value/);
  });
  it.each([
    ['requirepass', 'x', /belongs to the fault wrong-password/],
    ['masterauth', 'x', /belongs to the fault wrong-password/],
    ['tls-cert-file', '/x', /belongs to the fault wrong-certificate/],
    ['port', '1', /nobody could get in/],
    ['tls-port', '1', /nobody could get in/],
    ['bind', '1.2.3.4', /nobody could get in/],
    ['unixsocket', '/x', /nobody could get in/],
    ['maxclients', '99', /below 100/],
  ])('refuses %s %s, and says why', (setting, value, why) => expect(() => planned(wrongConfig('node-1', { setting, value }))).toThrow(why));
  it('takes few clients that leave a place for the way back', () =>
    expect(planned(wrongConfig('node-1', { setting: 'maxclients', value: '100' }))).toMatchObject({ value: '100' }));
  it('misses where the setting is as it was', async () => {
    const witness = { read: async () => ({ exitCode: 1, output: "maxmemory is '0', as it was before" }) } as never;
    expect(await fault.effect(planned(fault), 't', witness)).toMatchObject({ bites: false });
  });
});
