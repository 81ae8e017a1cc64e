import * as z from 'zod';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { clientPort, direction } from '../parameter.ts';

type Plan = { nodes: string[]; direction: Match['direction'] };

const matchOf = (plan: Plan): Match => ({ ports: [clientPort], direction: plan.direction, peers: 'all', connections: 'both' });

export default defineFault({
  name: 'block-clients',
  about: 'the client port 6379 is closed while the bus stays open: clients and replication are cut off, and nobody fails over',
  mechanism: 'iptables drops TCP from and to port 6379 in chains of its own, established connections included',
  evidence: 'the drop counters, and PINGs of the harness that go unanswered',
  undo: 'our jumps and chains are removed; iptables-save shows none of them',
  example: '--target "one primary"',
  parameters: z.strictObject({ direction: direction.default('both') }),
  plan: (parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), ...parameters }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => plan.nodes.map((node) => rules(node, tag, matchOf(plan))),
  effect: (plan, tag, witness) =>
    everywhere(plan.nodes, async (node) => {
      // With one way closed the other soon falls silent too: nothing is left to be answered.
      const dropped = await hitEvidence(
        witness,
        node,
        tag,
        { ...matchOf(plan), direction: plan.direction === 'out' ? 'out' : 'in' },
        'dropped',
      );
      if (!dropped.bites) return dropped;
      const silentMs = witness.silentMs(node);
      if (silentMs === 0) return misses(`${node} still answers PINGs`);
      return bites(...dropped.because, `${node}: no PING answered for ${Math.round(silentMs)} ms`);
    }),
});
