import { SlotquakeError } from '../../base/errors.ts';

/** The port of every place that leads to this node: 10003 to node-3, 10102 to spare-2. A run has at most 100 nodes. */
export function portTo(node: string): number {
  const [, kind, number] = /^(node|spare)-(\d+)$/.exec(node) ?? [];
  if (number === undefined) throw new SlotquakeError(`expected a node such as node-1 or spare-1, got ${node}: no place has a port for it`);
  return (kind === 'node' ? 10_000 : 10_100) + Number(number);
}

/**
 * Needed to forward at all. A segment that connection tracking thinks out of window would pass without translation, so
 * it is told to think nothing of the kind.
 */
export const placeSysctls = { 'net.ipv4.ip_forward': '1', 'net.netfilter.nf_conntrack_tcp_be_liberal': '1' };

/**
 * Makes a container a place: the kernel passes each connection on to a node, in the name of the place. Both ends speak
 * TCP with one another, so what the node refuses, resets or leaves unanswered is so for the client too.
 * Nothing listens in the place itself. What belongs to no connection that is tracked ends there in silence, for the
 * kernel would answer it with a reset that no node has sent. Redirects would tell clients of a shorter way.
 */
export function placeScript(nodes: readonly { readonly name: string; readonly address: string }[]): string {
  const lines = [
    '*nat',
    ':SLOTQUAKE-TO-NODES - [0:0]',
    ':SLOTQUAKE-AS-PLACE - [0:0]',
    ...nodes.map(({ name, address }) => `-A SLOTQUAKE-TO-NODES -p tcp --dport ${portTo(name)} -j DNAT --to-destination ${address}`),
    '-A SLOTQUAKE-AS-PLACE -m conntrack --ctstate DNAT -p tcp -j MASQUERADE',
    '-A PREROUTING -j SLOTQUAKE-TO-NODES',
    '-A POSTROUTING -j SLOTQUAKE-AS-PLACE',
    'COMMIT',
    '*filter',
    ':SLOTQUAKE-STRAY - [0:0]',
    ':SLOTQUAKE-REDIRECT - [0:0]',
    '-A SLOTQUAKE-STRAY -i eth0 -p tcp -j DROP',
    '-A SLOTQUAKE-REDIRECT -p icmp --icmp-type redirect -j DROP',
    '-A INPUT -j SLOTQUAKE-STRAY',
    '-A OUTPUT -j SLOTQUAKE-REDIRECT',
    'COMMIT',
  ];
  return `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} | iptables-restore -w 5 --noflush`;
}
