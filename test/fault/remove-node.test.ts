import { describe, expect, it } from 'vitest';
import removeNode from '../../src/fault/remove-node.ts';
import { memberOf } from '../../src/membership.ts';
import { paperCluster, planned } from './planned.ts';

describe('remove-node', () => {
  it('refuses a primary with slots', () => expect(() => planned(removeNode('node-2'))).toThrow(/has slots; reshard/));
  it('refuses a primary that somebody replicates', () => {
    const cluster = paperCluster();
    const topology = cluster.topology.map((node, index) => (index === 1 ? { ...node, slots: [] } : node));
    expect(() => planned(removeNode('node-2'), { ...cluster, topology })).toThrow(/has a replica/);
  });
  it('is forgotten by all the others, and remembers whom it replicated', () => {
    const { nodes } = paperCluster();
    expect(planned(removeNode('node-5'))).toMatchObject({
      primaries: [nodes[1]?.id],
      others: nodes.filter(({ name }) => name !== 'node-5').map(memberOf),
    });
  });
});
