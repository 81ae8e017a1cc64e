import { describe, expect, it } from 'vitest';
import dnsFailure from '../../src/fault/dns-failure.ts';
import { planned, scriptOf } from './planned.ts';
import { witness } from './witness.ts';

const answered = (address: string): string => `Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\nName:\tnode-1\nAddress: ${address}`;
const counters = (packets: number): string => `Chain\n pkts bytes target prot\n ${packets} 99 DROP all -- * *`;

describe('dns-failure', () => {
  const look = (parameters: Parameters<typeof dnsFailure>[1], lookup: { exitCode: number; output: string }, packets = 1) => {
    const fault = dnsFailure('node-1', parameters);
    return fault.effect(
      planned(fault),
      'x-1',
      witness({ read: (command) => (scriptOf(command).includes('nslookup') ? lookup : { exitCode: 0, output: counters(packets) }) }),
    );
  };
  const silence = { exitCode: 1, output: ';; connection timed out; no servers could be reached' };

  it('looks up a name that the network itself answers', async () => {
    const fault = dnsFailure('node-1');
    const asked: string[] = [];
    await fault.effect(planned(fault), 'x-1', witness({ read: (command) => (asked.push(scriptOf(command)), silence) }));
    expect(asked[0]).toContain('nslookup -type=a node-1 ');
  });
  it('reaches the places that it names, and no others', () => {
    const fault = dnsFailure('node-1', { places: 'client-1' });
    const plan = planned(fault);
    expect(plan).toMatchObject({ nodes: ['node-1'], places: ['client-1'] });
    expect(fault.actions(plan, 'x-1').map(({ undo }) => undo.node)).toEqual(['node-1', 'client-1']);
    expect(() => planned(dnsFailure('node-1', { places: 'client-9' }))).toThrow(/no place client-9/);
  });
  it('bites when a lookup fails and our rule has hit it, not where nothing resolves anyway', async () => {
    for (const how of ['no-answer', 'refused'] as const) {
      expect(await look({ how }, silence)).toMatchObject({ bites: true });
      expect(await look({ how }, silence, 0)).toMatchObject({ bites: false });
      expect(await look({ how }, { exitCode: 0, output: answered('10.0.0.11') })).toMatchObject({ bites: false });
      expect(await look({ how }, { exitCode: 1, output: "** server can't find it: NXDOMAIN" })).toMatchObject({ bites: false });
    }
  });
  it('bites by the address of the answer, not by that of the server', async () => {
    const wrong = { how: 'wrong-answer', address: '127.0.0.11' } as const;
    expect(await look(wrong, { exitCode: 0, output: answered('127.0.0.11') })).toMatchObject({ bites: true });
    expect(await look(wrong, { exitCode: 0, output: answered('10.0.0.11') })).toMatchObject({ bites: false });
    expect(await look(wrong, silence)).toMatchObject({ bites: false });
  });
  it('refuses an address that is the right one', () =>
    expect(() => planned(dnsFailure('node-1', { how: 'wrong-answer', address: '10.0.0.11' }))).toThrow(/is that of node-1/));
  it('is silent by answers that are dropped, for a question that is dropped fails at once', () => {
    const rule = (how: 'no-answer' | 'refused') => {
      const fault = dnsFailure('node-1', { how });
      return scriptOf(fault.actions(planned(fault), 'x-1')[0]?.do);
    };
    expect(rule('no-answer')).toContain('-s 127.0.0.11 -j DROP');
    expect(rule('refused')).toContain('-d 127.0.0.11 -j REJECT');
  });
  it('does not take the rule of another tag for its own', () => {
    const fault = dnsFailure('node-1', { how: 'wrong-answer' });
    const [action] = fault.actions(planned(fault), 'x-1');
    expect(scriptOf(action?.do)).toContain('--comment SLOTQUAKE-x-1- ');
    expect(scriptOf(action?.residue)).toContain("'--comment SLOTQUAKE-x-1- '");
  });
});
