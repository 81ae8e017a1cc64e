import * as z from 'zod';
import { defineFault, everywhere, peersOf } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { peers, port, portsOf, whole } from '../parameter.ts';

type Plan = { nodes: string[]; ports: number[] | 'all'; peers: Record<string, string[] | 'all'>; mtuBytes: number };

const matchOf = ({ ports, peers: of, mtuBytes }: Plan, node: string): Match => ({
  ports,
  direction: 'both',
  peers: of[node] ?? [],
  connections: 'both',
  above: mtuBytes,
});

export default defineFault({
  name: 'path-mtu',
  about: 'large packets vanish on the way and nobody is told: a tunnel with a smaller MTU, behind a firewall that drops ICMP',
  mechanism:
    'iptables drops packets above a size in both directions; TCP sends the same ones again and again, since it hears of no smaller MTU',
  evidence: 'the drop counters of each direction',
  undo: 'our jumps and chains are removed; iptables-save shows none of them',
  example: '--target "one primary" --mtu-bytes 1400',
  parameters: z.strictObject({
    mtuBytes: whole('the largest packet that comes through', 68, 65_534).default(1_400),
    port: port.default('all'),
    peers: peers.default('everyone else').describe("on whose way: a target such as 'everyone else', the other nodes, or 'everyone'"),
  }),
  plan({ mtuBytes, port: which, peers: whose }, planning): Plan {
    const ports = portsOf(which);
    return {
      nodes: planning.victims.map(({ name }) => name),
      ports: ports === 'all' ? 'all' : [...ports],
      peers: peersOf(whose, planning),
      mtuBytes,
    };
  },
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => plan.nodes.map((node) => rules(node, tag, matchOf(plan, node))),
  effect: (plan, tag, witness) => everywhere(plan.nodes, (node) => hitEvidence(witness, node, tag, matchOf(plan, node), 'dropped')),
});
