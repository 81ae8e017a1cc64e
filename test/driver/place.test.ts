import { describe, expect, it } from 'vitest';
import { placeScript, portTo } from '../../src/driver/container/place.ts';
import { through } from '../../src/driver.ts';
import { paperCluster } from '../fault/planned.ts';

describe('a place', () => {
  it('has a port of its own for every node and every spare', () => {
    expect(['node-1', 'node-100', 'spare-1', 'spare-20'].map(portTo)).toEqual([10_001, 10_100, 10_101, 10_120]);
    expect(() => portTo('client-1')).toThrow(/no place has a port for it/);
  });
  it('passes each port on to its node, in chains of our own', () => {
    const script = placeScript([
      { name: 'node-1', address: '10.0.0.11:6379' },
      { name: 'spare-1', address: '10.0.0.17:6379' },
    ]);
    expect(script).toContain(`'-A SLOTQUAKE-TO-NODES -p tcp --dport 10001 -j DNAT --to-destination 10.0.0.11:6379'`);
    expect(script).toContain(`'-A SLOTQUAKE-TO-NODES -p tcp --dport 10101 -j DNAT --to-destination 10.0.0.17:6379'`);
    expect([...script.matchAll(/'-A (?!SLOTQUAKE-)(\S+) (.*?)'/g)].map(([, hook, rule]) => `${hook} ${rule}`)).toEqual([
      'PREROUTING -j SLOTQUAKE-TO-NODES',
      'POSTROUTING -j SLOTQUAKE-AS-PLACE',
      'INPUT -j SLOTQUAKE-STRAY',
      'OUTPUT -j SLOTQUAKE-REDIRECT',
    ]);
  });
  it('changes the way to a node and nothing else about it', () => {
    const { nodes, places } = paperCluster();
    const node = { ...nodes[0]!, dial: { host: 'here', port: 1, tls: { ca: 'a', cert: 'b', key: 'c' } } };
    const place = { ...places[0]!, dial: () => ({ host: 'there', port: 2 }) };
    expect(through(place, node)).toEqual({ ...node, dial: { host: 'there', port: 2 } });
  });
});
