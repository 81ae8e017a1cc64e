import { toolbox } from './driver.ts';
import type { Action, Evidence, Witness } from './fault.ts';
import { bites, misses } from './fault.ts';
import type { Traffic } from './traffic.ts';
import { selectors } from './traffic/selectors.ts';

/**
 * What the rules of one fault at one node match, seen from that node. A link between two nodes is two connections, one
 * opened by each side to the other's port; `connections` says which of them. It means nothing without ports.
 */
export type Match = Traffic & {
  readonly connections: 'both' | 'to' | 'from';
  /** Only packets of more bytes than this, as IP counts them. */
  readonly above?: number;
};

export type Way = 'IN' | 'OUT';

const matches = ({ above, ...match }: Match, way: Way): string[] =>
  selectors(match, way === 'IN' ? 'in' : 'out').map((rule) =>
    above === undefined ? rule : `${rule} -m length --length ${above + 1}:65535`,
  );

/** Chains of our own name only; iptables allows 28 characters. */
export const chainName = (tag: string, way: Way): string => `SLOTQUAKE-${tag}-${way}`;

const ways: readonly Way[] = ['IN', 'OUT'];

/**
 * One fault's rules at one node, as one transaction: all of them or none take hold. The undo removes our jumps and
 * chains and nothing else, from any state; it asks for each jump until there is none, in case it was put in twice.
 */
export function rules(node: string, tag: string, match: Match, target = 'DROP', table = 'filter'): Action {
  const used = ways.filter((way) => matches(match, way).length > 0);
  const hook = (way: Way): string => (way === 'IN' ? 'INPUT' : 'OUTPUT');
  const lines = [
    `*${table}`,
    ...used.map((way) => `:${chainName(tag, way)} - [0:0]`),
    ...used.flatMap((way) => matches(match, way).map((rule) => `-A ${chainName(tag, way)} ${rule} -j ${target}`)),
    ...used.map((way) => `-I ${hook(way)} -j ${chainName(tag, way)}`),
    'COMMIT',
  ];
  return {
    do: toolbox(node, `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} | iptables-restore -w 5 --noflush`),
    undo: toolbox(
      node,
      `for rule in ${used.map((way) => `${hook(way)}:${chainName(tag, way)}`).join(' ')}; do ` +
        `while iptables -w 5 -t ${table} -D "\${rule%%:*}" -j "\${rule##*:}" 2>/dev/null; do :; done; ` +
        `iptables -w 5 -t ${table} -F "\${rule##*:}" 2>/dev/null; iptables -w 5 -t ${table} -X "\${rule##*:}" 2>/dev/null; done; true`,
    ),
    residue: toolbox(node, `saved=$(iptables-save -t ${table}) || exit 1; printf '%s\\n' "$saved" | grep -e 'SLOTQUAKE-${tag}-' || true`),
  };
}

/** Packets that the fault's rules have hit at a node, in each direction they cover. */
export async function hits(
  { read }: Pick<Witness, 'read'>,
  node: string,
  tag: string,
  match: Match,
  table = 'filter',
): Promise<Map<Way, number>> {
  const counted = new Map<Way, number>();
  for (const way of ways.filter((candidate) => matches(match, candidate).length > 0)) {
    const { output } = await read(toolbox(node, `iptables -w 5 -t ${table} -L ${chainName(tag, way)} -n -v -x`));
    counted.set(way, packetsOf(output));
  }
  return counted;
}

/** Sum of the packet counters of all rules in `iptables -L -v -x`. */
export function packetsOf(listing: string): number {
  return [...listing.matchAll(/^\s*(\d+)\s+\d+\s+[A-Z]\S*\s/gm)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

/** Bites when every direction that the rules cover has hit a packet. */
export async function hitEvidence(
  witness: Pick<Witness, 'read'>,
  node: string,
  tag: string,
  match: Match,
  deed: string,
): Promise<Evidence> {
  const counted = await hits(witness, node, tag, match);
  const none = [...counted].find(([, packets]) => packets === 0);
  if (none) return misses(`no packet was ${deed} at ${node} on the way ${none[0].toLowerCase()}`);
  return bites(...[...counted].map(([way, packets]) => `${node}: ${packets} packets ${deed} on the way ${way.toLowerCase()}`));
}
