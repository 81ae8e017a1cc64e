import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import failover from '../../src/fault/failover.ts';
import { planned, scriptOf } from './planned.ts';
import { witness } from './witness.ts';

describe('failover', () => {
  it('refuses primaries and names what would do', () => {
    expect(() => planned(failover('node-1'))).toThrow(UsageError);
    expect(() => planned(failover('node-1'))).toThrow(/'a replica of node-1'/);
  });
  it('exposes the old primary to a loss, but not when it is asked politely', () => {
    const exposes = (mode: 'default' | 'TAKEOVER') => failover('node-4', { mode }).exposes(planned(failover('node-4', { mode })) as never);
    expect(exposes('default')).toEqual([]);
    expect(exposes('TAKEOVER')).toEqual([{ node: 'node-1', how: 'crashed' }]);
  });
  it('says the mode only where it is not the default', () => {
    const script = (mode: 'default' | 'FORCE') => {
      const fault = failover('node-4', { mode });
      return scriptOf(fault.actions(planned(fault), 't')[0]?.do);
    };
    expect(script('FORCE')).toContain('CLUSTER FAILOVER FORCE');
    expect(script('default')).not.toContain('default');
  });
  it('bites only when the node calls itself a primary with slots', async () => {
    const fault = failover('node-4');
    const id = 'a'.repeat(40);
    const look = (flags: string, slots: string) =>
      fault.effect(
        planned(fault),
        't',
        witness({
          read: (command) => ({
            exitCode: 0,
            output: scriptOf(command).includes('CLUSTER NODES')
              ? `${id} 10.0.0.14:6379@16379 myself,${flags} 0 0 7 connected ${slots}`
              : '',
          }),
        }),
      );
    expect(await look(`slave ${id}`, '')).toMatchObject({ bites: false });
    expect(await look('master -', '')).toMatchObject({ bites: false });
    expect(await look('master -', '0-5460')).toMatchObject({
      bites: true,
      because: ['node-4 calls itself a primary with slots, config epoch 7'],
    });
  });
  it('shows nothing where the node does not answer', async () => {
    const fault = failover('node-4');
    await expect(fault.effect(planned(fault), 't', witness({}))).rejects.toThrow('expected CLUSTER NODES');
  });
});
