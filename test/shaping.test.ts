import { describe, expect, it } from 'vitest';
import { UsageError } from '../src/base/errors.ts';
import corrupt from '../src/fault/corrupt.ts';
import duplicate from '../src/fault/duplicate.ts';
import latency from '../src/fault/latency.ts';
import loss from '../src/fault/loss.ts';
import reorder from '../src/fault/reorder.ts';
import type { Counters } from '../src/traffic.ts';
import { paperCluster, planned, scriptOf } from './fault/planned.ts';
import { witness } from './fault/witness.ts';

describe('a fault that shapes packets', () => {
  it('names everybody but the node itself, and the bridge by which clients come', () => {
    const { peers } = planned(latency('node-1, node-2'));
    const ends = (...numbers: number[]): string[] => numbers.map((number) => `10.0.0.${number}`);
    expect(peers).toEqual({
      'node-1': ends(12, 13, 14, 15, 16, 17, 21, 22, 1),
      'node-2': ends(11, 13, 14, 15, 16, 17, 21, 22, 1),
    });
  });
  it('names those alone whose traffic is meant', () => {
    expect(planned(latency('node-1', { peers: 'node-2, node-1' })).peers).toEqual({ 'node-1': ['10.0.0.12'] });
    expect(planned(latency('node-1', { peers: 'everyone else' })).peers['node-1']).toHaveLength(5);
  });
  it('is refused where no packet would be chosen', () => {
    expect(() => planned(latency('node-1', { peers: 'node-1' }))).toThrow(UsageError);
    expect(() => planned(latency('node-1', { peers: 'node-1' }))).toThrow(/at least one port and one peer/);
  });
  it('has the ports and the direction that were asked for, and a seed of its own', () => {
    expect(planned(latency('node-1', { port: 'bus', direction: 'in' }))).toMatchObject({ ports: [16_379], direction: 'in' });
    expect(planned(latency('node-1'))).toMatchObject({ ports: 'all', direction: 'both' });
    const seeds = [1, 2, 1].map((seed) => planned(latency('node-1'), paperCluster(), seed).seed);
    expect(seeds[0]).toBe(seeds[2]);
    expect(seeds[0]).not.toBe(seeds[1]);
  });
  it('goes the way that the kernel of the cluster has', () => {
    for (const [shapes, uses, usesNot] of [
      ['netem', 'netem', 'NFQUEUE'],
      ['nfqueue', 'NFQUEUE', 'netem'],
    ] as const) {
      const fault = latency('node-1');
      const plan = planned(fault, { ...paperCluster(), shapes });
      const script = scriptOf(fault.actions(plan, 't-1')[0]?.do);
      expect(plan.way).toBe(shapes);
      expect(script).toContain(uses);
      expect(script).not.toContain(usesNot);
    }
  });
  it('acts at each target, by a script that names its peers and its tag', () => {
    const fault = latency('node-1, node-2', { peers: 'node-3' });
    const actions = fault.actions(planned(fault), 't-1');
    expect(actions.map(({ do: deed }) => deed.node)).toEqual(['node-1', 'node-2']);
    for (const { do: deed, undo, residue } of actions) {
      expect(scriptOf(deed)).toContain('10.0.0.13');
      for (const command of [deed, undo, residue]) expect(scriptOf(command)).toContain('t-1');
    }
  });
  it('may cut off whom it hits', () =>
    expect(latency('node-1').exposes(planned(latency('node-1')))).toEqual([{ node: 'node-1', how: 'isolated' }]));
});

describe.each([
  [
    'latency',
    latency('node-1', { delay: '80ms', jitter: '20ms', distribution: 'normal' }),
    { delayMs: 80, jitterMs: 20, distribution: 'normal' },
  ],
  ['loss', loss('node-1', { percent: 7 }), { lossPercent: 7, delayMs: 0 }],
  ['duplicate', duplicate('node-1', { percent: 7 }), { duplicatePercent: 7 }],
  ['reorder', reorder('node-1', { percent: 7, delay: '3ms' }), { reorderPercent: 7, delayMs: 3 }],
  ['corrupt', corrupt('node-1', { percent: 7 }), { corruptPercent: 7 }],
] as const)('%s', (_, fault, wish) => {
  it('wishes for what was asked', () => expect(planned(fault).shape).toMatchObject(wish));
});

describe('the evidence of a fault that shapes packets', () => {
  const all: Counters = {
    way: 'nfqueue',
    in: 4,
    out: 5,
    held: 1,
    delayed: 9,
    lost: 3,
    duplicated: 2,
    reordered: 6,
    corrupted: 7,
    holding: true,
    overrun: 0,
  };
  const look = (fault: ReturnType<typeof latency>, counters: Partial<Counters> | string, exitCode = 0) =>
    fault.effect(
      planned(fault),
      't-1',
      witness({ read: () => ({ exitCode, output: typeof counters === 'string' ? counters : JSON.stringify({ ...all, ...counters }) }) }),
    );
  const both = latency('node-1');

  it.each([
    ['delayed', both, 9],
    ['lost', loss('node-1'), 3],
    ['doubled', duplicate('node-1'), 2],
    ['out of order', reorder('node-1'), 6],
    ['damaged', corrupt('node-1'), 7],
  ] as const)('is how many packets were %s', async (_deed, fault, count) => {
    expect(await look(fault, {})).toEqual({ bites: true, because: [expect.stringMatching(`^node-1: ${count} packets \\S.* by nfqueue$`)] });
  });
  it('is how many packets were chosen where the kernel does not count the deed', async () => {
    const uncounted = { way: 'netem', delayed: null, duplicated: null, reordered: null, corrupted: null, overrun: null } as const;
    expect(await look(duplicate('node-1'), uncounted)).toMatchObject({
      because: [expect.stringMatching(/^node-1: 9 packets .* by netem$/)],
    });
  });
  it('tells what went lost to overrun, which nobody asked for', async () =>
    expect(await look(both, { overrun: 2 })).toMatchObject({ because: [expect.stringMatching(/and 2 lost to overrun/)] }));
  it.each([
    ['the counters cannot be read', 'no chain', 1, 'the counters of node-1 cannot be read: no chain'],
    ['nothing holds packets any more', { holding: false }, 0, 'nothing holds packets at node-1 any more'],
    ['no packet came in', { in: 0 }, 0, 'no packet of node-1 was hit on the way in'],
    ['no packet went out', { out: 0 }, 0, 'no packet of node-1 was hit on the way out'],
    ['none was delayed', { delayed: 0 }, 0, 'no packet was delayed at node-1 yet'],
  ] as const)('is missing where %s', async (_, counters, exitCode, because) => {
    expect(await look(both, counters, exitCode)).toEqual({ bites: false, because });
  });
  it('is asked of the chosen direction alone', async () => {
    expect(await look(latency('node-1', { direction: 'in' }), { out: 0 })).toMatchObject({ bites: true });
    expect(await look(latency('node-1', { direction: 'out' }), { in: 0 })).toMatchObject({ bites: true });
    expect(await look(latency('node-1', { direction: 'out' }), { out: 0 })).toMatchObject({ bites: false });
  });
  it('is wanted of every target', async () => {
    const fault = latency('node-1, node-2');
    const read = ({ node }: { readonly node: string }) => ({
      exitCode: 0,
      output: JSON.stringify({ ...all, ...(node === 'node-2' ? { delayed: 0 } : {}) }),
    });
    expect(await fault.effect(planned(fault), 't-1', witness({ read }))).toEqual({
      bites: false,
      because: 'no packet was delayed at node-2 yet',
    });
  });
});
