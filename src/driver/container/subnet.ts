import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

interface Range {
  readonly first: number;
  readonly last: number;
}

const toNumber = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** The IPv4 addresses of 'a.b.c.d/n', or null for anything else (IPv6 networks collide with none of ours). */
export function rangeOf(cidr: string): Range | null {
  const parts = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(cidr.trim());
  const bits = Number(parts?.[2]);
  if (!parts?.[1] || bits > 32 || parts[1].split('.').some((part) => Number(part) > 255)) return null;
  const size = 2 ** (32 - bits);
  const first = Math.floor(toNumber(parts[1]) / size) * size;
  return { first, last: first + size - 1 };
}

export function overlaps(one: string, other: string): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)];
  return a !== null && b !== null && a.first <= b.last && b.first <= a.last;
}

/** The nth address of a subnet. */
export function addressIn(cidr: string, n: number): string {
  const start = (rangeOf(cidr)?.first ?? 0) + n;
  return [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.');
}

/** Networks this machine is itself part of. */
export function localNetworks(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).flatMap(({ cidr }) => cidr ?? []));
}

/**
 * Whether the address belongs to this very machine: then its bridge, and every container behind it, is reachable from
 * here. A bridge that no container has joined yet counts as down, and Node lists no interface that is; the kernel's
 * routing table knows its address all the same.
 */
export function isLocalAddress(ip: string): boolean {
  try {
    const own = new Set(
      [...readFileSync('/proc/net/fib_trie', 'utf8').matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)].map(([, address]) => address),
    );
    return own.has(ip) || listed(ip);
  } catch {
    return listed(ip);
  }
}

const listed = (ip: string): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === ip));

/** Private /24 networks to try, from a place that depends on the run, so that two runs at once rarely want the same. */
export function* candidates(start: number, taken: readonly string[]): Generator<string> {
  const count = 50 * 256;
  for (let step = 0; step < count; step++) {
    const index = (start + step * 7919) % count;
    const cidr = `10.${200 + Math.floor(index / 256)}.${index % 256}.0/24`;
    if (!taken.some((other) => overlaps(cidr, other))) yield cidr;
  }
}
