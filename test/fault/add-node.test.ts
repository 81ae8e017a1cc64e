import { describe, expect, it } from 'vitest';
import addNode from '../../src/fault/add-node.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';

const members = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6'];

describe('add-node', () => {
  it('says how to have a spare where there is none', () => {
    expect(() => planned(addNode('node-1'), { ...paperCluster(), spares: [] })).toThrow(/spares: 1/);
    expect(() => planned(addNode('node-1', { spare: 'spare-9' }))).toThrow(/its spares are spare-1/);
  });
  it('makes no replica of a replica, and one node at a time', () => {
    expect(() => planned(addNode('node-4'))).toThrow(/expected a primary/);
    expect(() => planned(addNode('all primaries'))).toThrow(/expected one node/);
    expect(planned(addNode('node-4', { as: 'primary' }))).toMatchObject({ spare: 'spare-1', address: '10.0.0.17:6379' });
  });
  it('takes it out at every member again, twice, once the spare has left', () => {
    const actions = addNode('node-1').actions(planned(addNode('node-1')), 't');
    const [forgets, joins] = actions.slice(-2);
    expect(scriptOf(joins?.undo)).toContain('CLUSTER RESET HARD');
    const atMembers = { run: 'together', commands: members.map((node) => ({ node })) };
    expect(forgets?.undo).toMatchObject({ run: 'sequence', commands: [atMembers, { run: 'toolbox', node: 'spare-1' }, atMembers] });
    expect(forgets?.residue).toMatchObject(atMembers);
  });
});
