import { describe, expect, it } from 'vitest';
import { kindOf } from '../../src/load.ts';
import registers from '../../src/workload/registers.ts';

describe('a workload for a cluster', () => {
  it('is found by its kind', async () => expect((await kindOf(registers(), 0)).name).toBe('registers'));
  it('must be one that there is', () => expect(kindOf({ ...registers(), kind: 'poems' }, 0)).rejects.toThrow(/no workload called poems/));
  it('has clients only where the cluster has places', async () => {
    const workload = registers({ places: ['client-1', 'client-3'] });
    await expect(kindOf(workload, 0)).rejects.toThrow(/has no places; ask for them with places: 3/);
    await expect(kindOf(workload, 2)).rejects.toThrow(/only 2 of them/);
    expect((await kindOf(workload, 3)).name).toBe('registers');
  });
  it('counts places from one', () => expect(() => registers({ places: ['client-0'] })).toThrow(/expected names such as 'client-1'/));
  it('asks for WAIT with the bare client only', () =>
    expect(kindOf(registers({ client: 'ioredis', wait: 1 }), 0)).rejects.toThrow(/the client 'bare' only: ioredis/));
});
