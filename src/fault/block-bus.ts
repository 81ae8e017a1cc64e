import * as z from 'zod';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { busPort, direction } from '../parameter.ts';

type Plan = { nodes: string[]; ids: string[]; addresses: string[] } & Pick<Match, 'direction' | 'connections'>;

const matchOf = (plan: Plan): Match => ({ ports: [busPort], direction: plan.direction, peers: 'all', connections: plan.connections });

/** The packets that must come for the drop to be seen: who opens a connection asks, and what is not asked is not answered. */
const asked = (plan: Plan): Match => {
  const asks = { to: 'in', from: 'out', both: 'both' } as const;
  return { ...matchOf(plan), direction: plan.direction === 'both' ? asks[plan.connections] : plan.direction };
};

export default defineFault({
  name: 'block-bus',
  about: 'the bus port 16379 is closed while the client port stays open: a node that answers every PING is failed over',
  mechanism: 'iptables drops TCP from and to port 16379 in chains of its own, established connections included',
  evidence:
    'the drop counters of each direction in which somebody asks, and a peer (or, where only its own connections are cut, the target) that waits for an answer on the bus or has lost its link',
  undo: 'our jumps and chains are removed; iptables-save shows none of them',
  example: '--target "one primary" --direction both',
  parameters: z.strictObject({
    direction: direction.default('both'),
    connections: z
      .enum(['both', 'to', 'from'])
      .default('both')
      .describe('a bus link is two connections: those opened by peers to the target, those opened from it, or both'),
  }),
  plan: (parameters, { victims }): Plan => ({
    nodes: victims.map(({ name }) => name),
    ids: victims.map(({ id }) => id),
    addresses: victims.map(({ address }) => address),
    ...parameters,
  }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => plan.nodes.map((node) => rules(node, tag, matchOf(plan))),
  effect: (plan, tag, witness) =>
    everywhere(plan.nodes, async (node, index) => {
      const dropped = await hitEvidence(witness, node, tag, asked(plan), 'dropped');
      if (!dropped.bites) return dropped;
      // Whose connections are cut waits for answers over them: the peers of the target, or it alone.
      const cutOff = (name: string): boolean => (plan.connections === 'from') === (name === node);
      const waiting = [...witness.views()].filter(
        ([name, view]) =>
          cutOff(name) &&
          view.some(
            (peer) =>
              (name === node ? !peer.flags.includes('myself') : peer.id === plan.ids[index] || peer.address === plan.addresses[index]) &&
              (peer.pingSentAt > 0 || !peer.linked || peer.flags.some((flag) => flag === 'handshake' || flag.startsWith('fail'))),
          ),
      );
      if (waiting.length === 0)
        return misses(
          plan.connections === 'from' ? `${node} waits for no answer on the bus` : `no peer waits for an answer of ${node} on the bus`,
        );
      return bites(
        ...dropped.because,
        plan.connections === 'from'
          ? `${node} waits for answers on the bus`
          : `${node}: ${waiting.map(([name]) => name).join(', ')} wait for its answer on the bus`,
      );
    }),
});
