import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { keySlot } from '../../src/cluster/topology.ts';
import stuckMigration from '../../src/fault/stuck-migration.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';

describe('stuck-migration', () => {
  it('makes keys that fall into the slot', () => {
    const plan = planned(stuckMigration('node-1'));
    expect(keySlot(plan.hashTag)).toBe(plan.slot);
    expect(plan.slot).toBeLessThanOrEqual(5_460);
  });
  it('refuses a slot of somebody else', () =>
    expect(() => planned(stuckMigration('node-1', { slot: 16_000 }))).toThrow(/0-5460; got 16000/));
  it('opens the new end first, as the engines want it', () => {
    const fault = stuckMigration('node-1', { slot: 42, to: 'node-2' });
    const script = scriptOf(fault.actions(planned(fault), 't')[1]?.do);
    expect(script.indexOf("'IMPORTING")).toBeLessThan(script.indexOf("'MIGRATING"));
  });
  it('bites only when both ends list the slot as open and keys have gone', async () => {
    const fault = stuckMigration('node-1', { slot: 42, to: 'node-2' });
    const { topology } = paperCluster();
    const own = (index: number, direction: string) => [
      { ...topology[index], flags: ['myself', 'master'], open: [{ slot: 42, direction, peer: '' }] },
    ];
    const look = (importing: string, count: string) =>
      fault.effect(planned(fault), 't', {
        views: () =>
          new Map([
            ['node-1', own(0, 'migrating')],
            ['node-2', own(1, importing)],
          ]),
        read: async () => ({ exitCode: 0, output: count }),
      } as never);
    expect(await look('importing', '5')).toMatchObject({ bites: true });
    expect(await look('importing', '0')).toMatchObject({ bites: false });
    expect(await look('migrating', '5')).toMatchObject({ bites: false });
  });
  it('is plain POSIX shell, keys of ours or none', () => {
    for (const keys of [0, 3]) {
      const fault = stuckMigration('node-1', { keys });
      const [, action] = fault.actions(planned(fault), 't-1');
      for (const command of [action?.do, action?.undo, action?.residue])
        expect(() => execFileSync('sh', ['-n', '-c', scriptOf(command)], { stdio: 'pipe' })).not.toThrow();
    }
  });
});
