import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import isolate from '../../src/fault/isolate.ts';
import partition from '../../src/fault/partition.ts';
import type { Fault } from '../../src/fault.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';

const addresses: Readonly<Record<string, string>> = Object.fromEntries(
  [...paperCluster().nodes, ...paperCluster().places].map(({ name, address }) => [address.split(':')[0] as string, name]),
);

/** By node what its rules drop, such as 'from client-1'. */
function drops<P extends Json>(fault: Fault<P>): Record<string, string[]> {
  const actions = fault.actions(planned(fault), 'tag');
  return Object.fromEntries(
    actions.map(({ do: deed }) => [
      deed.node,
      [...scriptOf(deed).matchAll(/'-A \S+ -([sd]) (\S+) [^']*-j DROP'/g)].map(
        ([, end, address = '']) => `${end === 's' ? 'from' : 'to'} ${addresses[address]}`,
      ),
    ]),
  );
}
/** The same, of places only. */
const ofPlaces = <P extends Json>(fault: Fault<P>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(drops(fault)).map(([node, dropped]) => [node, dropped.filter((text) => text.includes('client-'))]));

const [target, others] = [
  ['node-1', 'node-4'],
  ['node-2', 'node-3', 'node-5', 'node-6'],
];
const by = (nodes: readonly string[], what: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(nodes.map((node) => [node, what]));

describe('a partition', () => {
  it('parts the places with the nodes: each side drops those of the other', () => {
    expect(ofPlaces(partition('node-1, node-4', { withTarget: 'client-1' }))).toEqual({
      ...by(target, ['from client-2']),
      ...by(others, ['from client-1']),
    });
    expect(drops(partition('node-1', { withTarget: 'client-1', port: 'client' }))['node-2']).toEqual([
      'from node-1',
      'from node-1',
      'from client-1',
      'from client-1',
    ]);
  });
  it('takes several places, and then nobody may stand on the other side', () => {
    expect(ofPlaces(partition('node-1, node-4', { withTarget: 'client-2 and client-1' }))).toEqual({
      ...by(target, []),
      ...by(others, ['from client-2', 'from client-1'].toSorted()),
    });
  });
  it('leaves places alone when none is named', () => {
    expect(Object.values(ofPlaces(partition('node-1, node-4'))).flat()).toEqual([]);
  });
  it('leaves nodes alone that stand on neither side', () => {
    expect(ofPlaces(partition('node-1', { against: 'node-2', withTarget: 'client-1' }))).toEqual({
      'node-1': ['from client-2'],
      'node-2': ['from client-1'],
    });
  });
  it('one way keeps what the target answers from the clients beyond, and lets it hear them', () => {
    expect(ofPlaces(partition('node-1, node-4', { oneWay: true, withTarget: 'client-1' }))).toEqual({
      ...by(target, ['to client-2']),
      ...by(others, ['from client-1']),
    });
  });
  it('refuses places that there are not, shapes without a side, and ports that no client uses', () => {
    const plan = (parameters: Parameters<typeof partition>[1], cluster = paperCluster()) =>
      planned(partition('half the nodes', parameters), cluster);
    expect(() => plan({ withTarget: 'client-1, client-9' })).toThrow(
      new UsageError('the cluster has no place client-9; its places are client-1, client-2'),
    );
    expect(() => plan({ withTarget: 'client-1' }, { ...paperCluster(), places: [] })).toThrow(/nor any other; ask for some with places: 2/);
    expect(() => plan({ withTarget: 'client-1', shape: 'halves' })).toThrow(/want the shape sides/);
    expect(() => plan({ withTarget: 'client-1', port: 'bus' })).toThrow(/expected the port 'client' or 'all'.*got bus/);
    expect(() => partition('node-1', { withTarget: '' })).toThrow(UsageError);
  });
});

describe('isolate', () => {
  it('takes places along: they lose the other nodes, and the target loses the other places', () => {
    expect(ofPlaces(isolate('node-1', { withTarget: 'client-1' }))).toEqual({
      'node-1': ['from client-2', 'to client-2'],
      ...by(['node-2', 'node-3', 'node-4', 'node-5', 'node-6'], ['from client-1', 'to client-1']),
    });
  });
  it('in one direction keeps from the places of its side what it does not hear itself', () => {
    const { 'node-1': own, 'node-2': beyond } = ofPlaces(isolate('node-1', { direction: 'in', withTarget: 'client-1' }));
    expect([own, beyond]).toEqual([['from client-2'], ['to client-1']]);
    const { 'node-1': mute, 'node-2': deaf } = ofPlaces(isolate('node-1', { direction: 'out', withTarget: 'client-1' }));
    expect([mute, deaf]).toEqual([['to client-2'], ['from client-1']]);
  });
  it('touches the targets alone, and no place, when none is named', () => {
    expect(ofPlaces(isolate('node-1'))).toEqual({ 'node-1': [] });
    expect(planned(isolate('node-1', { withTarget: 'client-1' })).nodes).toEqual(['node-1']);
  });
  it('refuses places beside no clients at all, and places that there are not', () => {
    expect(() => planned(isolate('node-1', { clients: true, withTarget: 'client-1' }))).toThrow(/give one of clients and withTarget/);
    expect(() => planned(isolate('node-1', { withTarget: 'client-9' }))).toThrow(UsageError);
  });
});
