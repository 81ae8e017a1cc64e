import { describe, expect, it } from 'vitest';
import blockBus from '../../src/fault/block-bus.ts';
import type { NodeView } from '../../src/timeline/observation.ts';
import { paperCluster, planned } from './planned.ts';
import { witness } from './witness.ts';

const { nodes, topology } = paperCluster();
const idOf = (name: string): string => nodes.find((node) => node.name === name)?.id ?? '';
const dropping = 'pkts bytes target\n 5 300 DROP tcp -- * * 0.0.0.0/0 0.0.0.0/0';
/** What a node says, with a ping to another one that goes unanswered. */
const waiting = (node: string, answer: string): NodeView[] =>
  topology.map((peer) => ({
    ...peer,
    flags: [...(peer.id === idOf(node) ? ['myself'] : []), peer.primary === null ? 'master' : 'slave'],
    pingSentAt: peer.id === idOf(answer) ? 1 : 0,
  }));
const look = (connections: 'both' | 'to' | 'from', views: Record<string, NodeView[]>) => {
  const fault = blockBus('node-1', { connections });
  return fault.effect(planned(fault), 't', {
    ...witness({ read: () => ({ exitCode: 0, output: dropping }) }),
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
});
