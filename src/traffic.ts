import { UsageError } from './base/errors.ts';
import { hasNetemScript, netemScript } from './traffic/netem.ts';
import { nfqueueScript } from './traffic/nfqueue.ts';
import type { Hosts } from './driver.ts';
import { toolbox } from './driver.ts';
import { selectors } from './traffic/selectors.ts';

export { hasNetemScript } from './traffic/netem.ts';
export { selectors } from './traffic/selectors.ts';

/*
 * Traffic that is delayed, lost, doubled, reordered or damaged, as data: `shapeScript` says which commands a node's
 * toolbox runs for it, and reads no cluster.
 *
 *   const script = shapeScript('nfqueue', tag, { ports: [6379], direction: 'both', peers: 'all' }, shape({ delayMs: 50 }), seed);
 *   script.do        takes hold, returns when it does; the same tag again replaces what was there
 *   script.undo      takes all of it back, from any state, in bounded time; packets held go on at once
 *   script.residue   exit 0 and no output when nothing of the tag is left
 *   script.counters  prints `Counters` as JSON
 *
 * - A delay is added to every packet once per direction: `both` at one node with 50 ms adds 100 ms to a round trip.
 * - A packet is what the kernel hands over, which is up to 64 KB with segmentation offload: one loss can be many segments.
 * - Each packet has a jitter of its own, so jitter wider than the distance of two packets reorders them, as in netem.
 * - `reorderPercent` is the share that is sent at once while others wait; without a delay, the share that its successor
 *   overtakes (or that waits 10 ms for one).
 * - A damaged packet fails its checksum: the receiver's kernel throws it away and counts it in `InCsumErrors`.
 * - The ways differ in four points. nfqueue draws from the seed, netem from the kernel. Where two tags want the same
 *   packet, nfqueue gives it to both, netem to the first alone. nfqueue doubles packets on the way out to named peers only.
 *   And to `peers: 'all'` nfqueue leaves what it holds on the way out on the sender's account, which lets a connection
 *   send a packet or two per delay (3 MB in a minute at 50 ms, instead of half a second): name the peers, or delay at
 *   the other end on the way in.
 * - When the packet holder dies, packets pass; those it held are lost, and those on the way out to named peers come twice.
 * - IPv4 alone. One node takes six tags at once on the nfqueue way, for the memory of its toolbox.
 */
export interface Traffic {
  /** TCP ports, each as source and as destination, because a link has two ends; 'all' is all IP traffic. */
  readonly ports: readonly number[] | 'all';
  readonly direction: 'in' | 'out' | 'both';
  /** IPv4 addresses of the other ends; 'all' is everyone but the node itself, the harness and clients included. */
  readonly peers: readonly string[] | 'all';
}

export interface Shape {
  readonly delayMs: number;
  /** Half the width of a uniform distribution, the standard deviation of a normal one. */
  readonly jitterMs: number;
  readonly distribution: 'uniform' | 'normal';
  readonly lossPercent: number;
  readonly duplicatePercent: number;
  readonly reorderPercent: number;
  readonly corruptPercent: number;
}

/** netem is the kernel's own; nfqueue needs only a queue to user space, and a program in the toolbox. */
export type Way = 'netem' | 'nfqueue';

/** Shell scripts for a node's toolbox. */
export interface Script {
  readonly do: string;
  readonly undo: string;
  readonly residue: string;
  readonly counters: string;
}

/** What a tag did so far; null is what the way does not count. At most a tenth of a second old. */
export interface Counters {
  readonly way: Way;
  /** Packets that the tag chose, by direction. */
  readonly in: number;
  readonly out: number;
  readonly held: number;
  readonly delayed: number | null;
  readonly lost: number;
  readonly duplicated: number | null;
  readonly reordered: number | null;
  readonly corrupted: number | null;
  /** What holds the packets is there; when it is not, they pass. */
  readonly holding: boolean;
  /** Packets that went lost because too many waited, which nobody asked for; netem counts them as lost. */
  readonly overrun: number | null;
}

export function shape(wish: Partial<Shape>): Shape {
  const whole: Shape = {
    delayMs: 0,
    jitterMs: 0,
    distribution: 'uniform',
    lossPercent: 0,
    duplicatePercent: 0,
    reorderPercent: 0,
    corruptPercent: 0,
    ...wish,
  };
  for (const [name, value] of Object.entries(whole) as [keyof Shape, number | string][]) {
    const most = name.endsWith('Percent') ? 100 : 60_000;
    if (typeof value === 'number' && !(value >= 0 && value <= most))
      throw new UsageError(`expected ${name} from 0 to ${most}, got ${value}`);
  }
  return whole;
}

/** Pure. Throws a UsageError for what cannot be done on that way. */
export function shapeScript(way: Way, tag: string, traffic: Traffic, wish: Shape, seed: number): Script {
  if (!/^[a-z0-9-]{1,12}$/.test(tag)) throw new UsageError(`expected a tag of at most 12 characters a to z, 0 to 9 and -, got '${tag}'`);
  const whole = shape(wish);
  if ((['in', 'out'] as const).every((direction) => selectors(traffic, direction).length === 0))
    throw new UsageError('expected at least one port and one peer, got none: no packet would be chosen');
  return way === 'netem' ? netemScript(tag, traffic, whole) : nfqueueScript(tag, traffic, whole, seed);
}

/** The better way that the kernel under these hosts has. */
export async function wayOf(hosts: Hosts): Promise<Way> {
  const [host] = hosts.hosts;
  return host && (await hosts.perform(toolbox(host.name, hasNetemScript))).exitCode === 0 ? 'netem' : 'nfqueue';
}
