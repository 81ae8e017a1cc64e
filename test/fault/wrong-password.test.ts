import { describe, expect, it } from 'vitest';
import wrongPassword from '../../src/fault/wrong-password.ts';
import { planned, paperCluster, scriptOf } from './planned.ts';

describe('wrong-password', () => {
  it('plans one password for a seed, and another for another', () => {
    const fault = wrongPassword('node-4', { which: 'requirepass' });
    expect(planned(fault)).toEqual(planned(fault));
    expect(planned(fault)).not.toEqual(planned(fault, paperCluster(), 8));
  });
  it('cuts the replication link for masterauth only', () => {
    const scripts = (['masterauth', 'requirepass'] as const).map((which) => {
      const fault = wrongPassword('node-4', { which });
      return scriptOf(fault.actions(planned(fault), 't-1')[0]?.do);
    });
    expect(scripts[0]).toContain('CLIENT KILL TYPE master');
    expect(scripts[1]).not.toContain('CLIENT KILL');
  });
  it('misses where a new client is let in', async () => {
    const fault = wrongPassword('node-4', { which: 'requirepass' });
    const witness = { read: async () => ({ exitCode: 1, output: 'a new client is told PONG' }) } as never;
    expect(await fault.effect(planned(fault), 't', witness)).toEqual({ bites: false, because: 'node-4: a new client is told PONG' });
  });
});
