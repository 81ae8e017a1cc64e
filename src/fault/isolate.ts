import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { ipOf } from '../driver.ts';
import { bites, defineFault, everywhere, misses, placesApart } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { direction, withTarget } from '../parameter.ts';

type Plan = {
  nodes: string[];
  peers: string[];
  direction: Match['direction'];
  clients: boolean;
  /** The nodes that places on the target's side are parted from, and the addresses of those places. */
  beyond: { nodes: string[]; places: string[] };
};

const matchOf = (plan: Plan): Match => ({
  ports: 'all',
  direction: plan.direction,
  peers: plan.clients ? 'all' : plan.peers,
  connections: 'both',
});

const opposite = { in: 'out', out: 'in', both: 'both' } as const;

/** What the target's side does not hear, a node beyond does not send to the places there. */
const beyondOf = (plan: Plan): Match => ({
  ports: 'all',
  direction: opposite[plan.direction],
  peers: plan.beyond.places,
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
    withTarget,
    clients: z.boolean().default(false).describe('cut clients off as well, the harness among them'),
  }),
  plan(parameters, planning): Plan {
    const { victims, cluster } = planning;
    const { withTarget: named, ...given } = parameters;
    if (given.clients && named !== undefined)
      throw new UsageError('a target that is cut off from all clients has no places on its side; give one of clients and withTarget');
    const { ours, theirs } = placesApart(named, planning);
    return {
      nodes: victims.map(({ name }) => name),
      // Two targets are cut off from one another too.
      peers: [...cluster.nodes.map(ipOf), ...theirs],
      ...given,
      beyond: {
        nodes: ours.length === 0 ? [] : cluster.nodes.filter((node) => !victims.includes(node)).map(({ name }) => name),
        places: ours,
      },
    };
  },
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => [
    ...plan.nodes.map((node) => rules(node, tag, matchOf(plan))),
    ...plan.beyond.nodes.map((node) => rules(node, tag, beyondOf(plan))),
  ],
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
