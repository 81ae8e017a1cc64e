import * as z from 'zod';
import { ipOf } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { direction } from '../parameter.ts';

type Plan = { nodes: string[]; peers: string[]; direction: Match['direction']; clients: boolean };

const matchOf = (plan: Plan): Match => ({
  ports: 'all',
  direction: plan.direction,
  peers: plan.clients ? 'all' : plan.peers,
  connections: 'both',
});

export default defineFault({
  name: 'isolate',
  about: 'each target is cut off from every other node, on all ports; clients may still reach it',
  mechanism: 'iptables drops all IP traffic from and to the addresses of the other nodes, or of everybody',
  evidence: 'the drop counters of each direction, and with clients PINGs that go unanswered',
  undo: 'our jumps and chains are removed; iptables-save shows none of them',
  example: '--target "one primary"',
  parameters: z.strictObject({
    direction: direction.default('both'),
    clients: z.boolean().default(false).describe('cut clients off as well, the harness among them'),
  }),
  plan: (parameters, { victims, cluster }): Plan => ({
    nodes: victims.map(({ name }) => name),
    // Two targets are cut off from one another too.
    peers: cluster.nodes.map(ipOf),
    ...parameters,
  }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => plan.nodes.map((node) => rules(node, tag, matchOf(plan))),
  effect: (plan, tag, witness) =>
    everywhere(plan.nodes, async (node) => {
      const dropped = await hitEvidence(witness, node, tag, matchOf(plan), 'dropped');
      if (!dropped.bites || !plan.clients) return dropped;
      const silentMs = witness.silentMs(node);
      return silentMs === 0
        ? misses(`${node} still answers PINGs`)
        : bites(...dropped.because, `${node}: no PING answered for ${Math.round(silentMs)} ms`);
    }),
});
