import type { Traffic } from '../traffic.ts';

/**
 * The iptables matches that choose this traffic, one per rule; none when the direction is not wanted. Connection
 * tracking is not asked, so established connections are covered. Loopback is never hit. A connection that others opened
 * has our port at our end: `to` covers only those, `from` only the ones that this node opened itself.
 */
export function selectors(
  { ports, direction, peers, connections = 'both' }: Traffic & { readonly connections?: 'both' | 'to' | 'from' },
  way: 'in' | 'out',
): string[] {
  if (direction !== 'both' && direction !== way) return [];
  const [peer, device] = way === 'in' ? ['-s', '-i'] : ['-d', '-o'];
  const ends = peers === 'all' ? [`! ${device} lo`] : peers.map((address) => `${peer} ${address}`);
  if (ports === 'all') return ends;
  const ours = way === 'in' ? '--dport' : '--sport';
  const sides = ['--dport', '--sport'].filter((side) => connections === 'both' || (side === ours) === (connections === 'to'));
  return ends.flatMap((end) => ports.flatMap((port) => sides.map((side) => `${end} -p tcp ${side} ${port}`)));
}
