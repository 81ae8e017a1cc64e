import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import failover from '../../src/fault/failover.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';

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
    const { topology } = paperCluster();
    const own = (index: number) => ({ ...topology[index], flags: ['myself', ...(topology[index]?.flags ?? [])] });
    const look = (view: unknown) => fault.effect(planned(fault), 't', { views: () => new Map([['node-4', view]]) } as never);
    expect(await look([own(3)])).toMatchObject({ bites: false });
    expect(await look([own(0)])).toMatchObject({ bites: true });
  });
});
