import { describe, expect, it } from 'vitest';
import { packetsOf, rules } from '../src/firewall.ts';
import { selectors } from '../src/traffic/selectors.ts';
import { scriptOf } from './fault/planned.ts';

const both = { ports: [16_379], direction: 'both', peers: 'all', connections: 'both' } as const;

describe('the rules of a fault', () => {
  it('match a port at both ends of a connection, or only those that one side opened', () => {
    expect(selectors(both, 'in')).toEqual(['! -i lo -p tcp --dport 16379', '! -i lo -p tcp --sport 16379']);
    expect(selectors({ ...both, connections: 'to' }, 'in')).toEqual(['! -i lo -p tcp --dport 16379']);
    expect(selectors({ ...both, connections: 'to' }, 'out')).toEqual(['! -o lo -p tcp --sport 16379']);
    expect(selectors({ ...both, connections: 'from' }, 'out')).toEqual(['! -o lo -p tcp --dport 16379']);
  });
  it('match one direction, and peers by address', () => {
    expect(selectors({ ...both, direction: 'in' }, 'out')).toEqual([]);
    expect(selectors({ ...both, ports: 'all', peers: ['10.0.0.1', '10.0.0.2'] }, 'out')).toEqual(['-d 10.0.0.1', '-d 10.0.0.2']);
  });
  it('match packets above a size in each direction', () => {
    const deed = scriptOf(rules('node-1', 'x-1', { ...both, above: 1_400 }).do);
    expect(deed.match(/-m length --length 1401:65535 -j DROP/g)).toHaveLength(4);
  });
  it('take hold in one transaction, and are taken back by their own names alone', () => {
    const { do: deed, undo, residue } = rules('node-1', 'x-1', both);
    expect(scriptOf(deed).match(/iptables-restore/g)).toHaveLength(1);
    expect(scriptOf(deed)).toContain('--noflush');
    expect(scriptOf(undo)).not.toMatch(/-F (INPUT|OUTPUT)|-F$/);
    expect(scriptOf(residue)).toContain('SLOTQUAKE-x-1-');
  });
  it('are counted', () => {
    expect(packetsOf('Chain X (1 references)\n  pkts bytes target\n  12  720 DROP tcp\n   3  180 REJECT tcp')).toBe(15);
  });
});
