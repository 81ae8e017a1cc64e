import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import type { Cluster } from '../../src/cluster.ts';
import memoryLimit from '../../src/fault/memory-limit.ts';
import { paperCluster, planned } from './planned.ts';
import { witness } from './witness.ts';

const limitBytes = 32 * 2 ** 20;
const withMemory = (memoryBytes: number | null) => {
  const cluster = paperCluster();
  return { ...cluster, nodes: cluster.nodes.map((node) => ({ ...node, memoryBytes })) } as Cluster & { topology: typeof cluster.topology };
};
const usual = withMemory(256 * 2 ** 20);

describe('memory-limit', () => {
  it('restores the limit that the run gave the container, no limit included', () => {
    for (const original of [256 * 2 ** 20, null]) {
      const fault = memoryLimit('node-1', { limitBytes });
      const actions = fault.actions(planned(fault, withMemory(original)), 't');
      expect(actions.map(({ undo }) => undo)).toContainEqual({ run: 'limit', node: 'node-1', memoryBytes: original });
      expect(actions.map(({ residue }) => residue)).toContainEqual({ run: 'expect', node: 'node-1', state: { memoryBytes: original } });
    }
  });
  it('refuses a limit that is none, and a node whose limit nobody knows', () => {
    expect(() => planned(memoryLimit('node-1', { limitBytes: 2 ** 30 }), usual)).toThrow(/below the 268435456 bytes of node-1/);
    const cluster = paperCluster();
    const unknown = { ...cluster, nodes: cluster.nodes.map(({ memoryBytes: _, ...node }) => node) };
    expect(() => planned(memoryLimit('node-1', { limitBytes }), unknown)).toThrow(UsageError);
  });
  it('bites when the engine was killed for lack of memory, or nearly fills the limit that the kernel has', async () => {
    const look = (pressure: boolean, seen: Parameters<typeof witness>[0]) => {
      const fault = memoryLimit('node-1', { limitBytes, pressure });
      return fault.effect(planned(fault, usual), 't', witness(seen));
    };
    const uses = (memoryBytes: number, memoryLimitBytes = limitBytes) => ({
      state: { memoryBytes: limitBytes },
      read: () => ({ exitCode: 0, output: JSON.stringify({ memoryBytes, memoryLimitBytes, throttledPeriods: 0 }) }),
    });
    const exited = { status: 'exited', exitCode: 137, memoryBytes: limitBytes } as const;
    expect(await look(true, { state: { ...exited, outOfMemory: true } })).toMatchObject({ bites: true });
    expect(await look(true, { state: { ...exited, outOfMemory: false } })).toMatchObject({ bites: false });
    expect(await look(true, uses(limitBytes))).toMatchObject({ bites: false });
    expect(await look(false, uses(limitBytes - 1))).toMatchObject({ bites: true });
    expect(await look(false, uses(limitBytes / 2))).toMatchObject({ bites: false });
    expect(await look(false, uses(limitBytes, 2 * limitBytes))).toMatchObject({ bites: false });
    expect(await look(false, {})).toMatchObject({ bites: false });
  });
});
