import type { Traffic } from '../traffic.ts';

/**
 * The iptables matches that choose this traffic, one per rule; none when the direction is not wanted. Connection
 * tracking is not asked, so established connections are covered. Loopback is never hit.
 */
export function selectors({ ports, direction, peers }: Traffic, way: 'in' | 'out'): string[] {
  if (direction !== 'both' && direction !== way) return [];
  const [peer, device] = way === 'in' ? ['-s', '-i'] : ['-d', '-o'];
  const ends = peers === 'all' ? [`! ${device} lo`] : peers.map((address) => `${peer} ${address}`);
  if (ports === 'all') return ends;
  return ends.flatMap((end) => ports.flatMap((port) => ['--dport', '--sport'].map((side) => `${end} -p tcp ${side} ${port}`)));
}
