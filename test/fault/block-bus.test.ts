import { describe, expect, it } from 'vitest';
import blockBus from '../../src/fault/block-bus.ts';
import type { NodeView } from '../../src/timeline/observation.ts';
import { paperCluster, planned } from './planned.ts';
import { witness } from './witness.ts';

const { nodes, topology } = paperCluster();
const idOf = (name: string): string => nodes.find((node) => node.name === name)?.id ?? '';
const dropping = (packets: number): string => `pkts bytes target\n ${packets} 300 DROP tcp -- * * 0.0.0.0/0 0.0.0.0/0`;
/** What a node says, with a ping to another one that goes unanswered. */
const waiting = (node: string, answer: string): NodeView[] =>
  topology.map((peer) => ({
    ...peer,
    flags: [...(peer.id === idOf(node) ? ['myself'] : []), peer.primary === null ? 'master' : 'slave'],
    pingSentAt: peer.id === idOf(answer) ? 1 : 0,
  }));
const look = (connections: 'both' | 'to' | 'from', views: Record<string, NodeView[]>, packets: { in?: number; out?: number } = {}) => {
  const fault = blockBus('node-1', { connections });
  return fault.effect(planned(fault), 't', {
    ...witness({
      read: (command) => ({
        exitCode: 0,
        output: dropping(JSON.stringify(command).includes('-IN') ? (packets.in ?? 5) : (packets.out ?? 5)),
      }),
    }),
    views: () => new Map(Object.entries(views)),
  });
};

describe('block-bus', () => {
  it('bites when a peer waits for the target', async () => {
    for (const connections of ['both', 'to'] as const) {
      expect(await look(connections, { 'node-2': waiting('node-2', 'node-1') })).toMatchObject({ bites: true });
      expect(await look(connections, { 'node-2': waiting('node-2', 'node-3') })).toMatchObject({ bites: false });
      expect(await look(connections, { 'node-1': waiting('node-1', 'node-2') })).toMatchObject({ bites: false });
    }
  });
  it('bites when the target waits, where only its own connections are cut', async () => {
    expect(await look('from', { 'node-1': waiting('node-1', 'node-2') })).toMatchObject({ bites: true });
    expect(await look('from', { 'node-2': waiting('node-2', 'node-1') })).toMatchObject({
      bites: false,
      because: 'node-1 waits for no answer on the bus',
    });
  });
  it('asks for dropped packets only where somebody calls: what is not asked is not answered', async () => {
    const views = { 'node-1': waiting('node-1', 'node-2'), 'node-2': waiting('node-2', 'node-1') };
    expect(await look('from', views, { in: 0 })).toMatchObject({ bites: true });
    expect(await look('to', views, { out: 0 })).toMatchObject({ bites: true });
    for (const [connections, packets] of [
      ['from', { out: 0 }],
      ['to', { in: 0 }],
      ['both', { in: 0 }],
      ['both', { out: 0 }],
    ] as const)
      expect(await look(connections, views, packets)).toMatchObject({ bites: false });
  });
  it('bites when a peer shakes hands with the address of the target in vain', async () => {
    const views = {
      'node-2': [...topology.slice(1), { ...topology[0], id: 'f'.repeat(40), flags: ['handshake'], pingSentAt: 0 } as NodeView],
    };
    expect(await look('to', views)).toMatchObject({ bites: true });
  });
});
