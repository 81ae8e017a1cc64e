import { describe, expect, it } from 'vitest';
import reset from '../../src/fault/reset.ts';
import { paperCluster, planned } from './planned.ts';

describe('reset', () => {
  it('exposes a primary that it empties, and no other node', () => {
    const exposes = (target: string, flush: boolean) => reset(target, { flush }).exposes(planned(reset(target, { flush })) as never);
    expect(exposes('node-1', true)).toEqual([{ node: 'node-1', how: 'emptied' }]);
    expect(exposes('node-1', false)).toEqual([]);
    expect(exposes('node-4', true)).toEqual([]);
  });
  it('throws away data at primaries only', () => {
    const fault = reset('node-1, node-4', { flush: true });
    const [, primary, , replica] = fault.actions(planned(fault), 't').map(({ do: deed }) => JSON.stringify(deed));
    expect(primary).toContain('FLUSHALL');
    expect(replica).not.toContain('FLUSHALL');
  });
  it('saves the file that the settings name', () =>
    expect(planned(reset('node-4'), paperCluster('redis', '7.0.15', { 'cluster-config-file': 'cluster.conf' }))).toMatchObject({
      file: 'cluster.conf',
    }));
  it('bites on another id only, when it is to be HARD', async () => {
    const fault = reset('node-4', { how: 'HARD' });
    const node = paperCluster().topology[3];
    const look = (id: string | undefined) =>
      fault.effect(planned(fault), 't', {
        views: () => new Map([['node-4', [{ ...node, id, flags: ['myself', 'master'], primary: null }]]]),
      } as never);
    expect(await look(node?.id)).toMatchObject({ bites: false });
    expect(await look('f'.repeat(40))).toMatchObject({ bites: true });
  });
});
