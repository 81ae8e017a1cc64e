import { select } from '../cluster/select.ts';
import type { Command } from '../driver.ts';
import type { Fault } from '../fault.ts';

export const busPort = 16_379;

/**
 * Drops all TCP on the bus port at the target, in both directions, while the client port stays open. The bus link
 * between two nodes is two connections, one opened by each side to the other's bus port, so the port is matched as
 * source and as destination; connection tracking is not asked, so established links are cut too.
 */
export function blockBus(target: string): Fault<{ nodes: string[]; ids: string[] }> {
  return {
    name: 'block-bus',
    plan(cluster, topology, random) {
      const nodes = select(target, cluster, topology, random);
      const names = nodes.map(({ name }) => name);
      return { plan: { nodes: names, ids: nodes.map(({ id }) => id) }, nodes: names };
    },
    exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' as const })),
    actions: ({ nodes }, tag) =>
      nodes.map((node) => {
        const chain = chainName(tag);
        const rules = ['--dport', '--sport'].flatMap((side) =>
          ['IN', 'OUT'].map((way) => `-A ${chain}-${way} -p tcp ${side} ${busPort} -j DROP`),
        );
        return {
          // One iptables-restore is one transaction: all of it or nothing takes hold.
          do: shell(
            node,
            `printf '%s\\n' '*filter' ':${chain}-IN - [0:0]' ':${chain}-OUT - [0:0]' ${rules.map((rule) => `'${rule}'`).join(' ')} '-I INPUT -j ${chain}-IN' '-I OUTPUT -j ${chain}-OUT' COMMIT | iptables-restore -w 5 --noflush`,
          ),
          undo: shell(
            node,
            `iptables -w 5 -D INPUT -j ${chain}-IN; iptables -w 5 -D OUTPUT -j ${chain}-OUT; for way in IN OUT; do iptables -w 5 -F ${chain}-$way; iptables -w 5 -X ${chain}-$way; done 2>/dev/null; true`,
          ),
          residue: shell(node, `iptables-save > /tmp/residue && { grep -e ${chain} /tmp/residue || true; }`),
        };
      }),
    async effect({ nodes, ids }, tag, { read, views }) {
      const evidence: string[] = [];
      for (const [index, node] of nodes.entries()) {
        for (const way of ['IN', 'OUT']) {
          const { output } = await read(shell(node, `iptables -w 5 -L ${chainName(tag)}-${way} -n -v -x`));
          const packets = droppedPackets(output);
          if (packets === 0) return { bites: false, because: `no packet was dropped at ${node} on the way ${way.toLowerCase()}` };
          evidence.push(`${node}: ${packets} packets dropped on the way ${way.toLowerCase()}`);
        }
        const waiting = [...views()].filter(
          ([name, view]) =>
            name !== node &&
            view.some(
              (peer) =>
                peer.id === ids[index] && (peer.pingSentAt > 0 || !peer.linked || peer.flags.some((flag) => flag.startsWith('fail'))),
            ),
        );
        if (waiting.length === 0) return { bites: false, because: `no peer waits for an answer of ${node} on the bus` };
        evidence.push(`${node}: ${waiting.map(([name]) => name).join(', ')} wait for its answer on the bus`);
      }
      return { bites: true, because: evidence };
    },
  };
}

const shell = (node: string, script: string): Command => ({ run: 'toolbox', node, argv: ['sh', '-c', script] });

/** Chains of our own name only; iptables allows 28 characters. */
const chainName = (tag: string): string => `SLOTQUAKE-${tag}`;

/** Sum of the packet counters of DROP rules in `iptables -L -v -x`. */
export function droppedPackets(listing: string): number {
  return [...listing.matchAll(/^\s*(\d+)\s+\d+\s+DROP\s/gm)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}
