import * as z from 'zod';
import { nodeNamed } from '../cluster.ts';
import { ipOf } from '../driver.ts';
import { UsageError } from '../base/errors.ts';
import { defineFault, everywhere, placesApart } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { bridge, type Grudge, oneWay, ring, sides } from '../grudge.ts';
import { clientPort, port, portsOf, withTarget } from '../parameter.ts';

type Plan = {
  nodes: string[];
  /** For each node the addresses, of nodes and places, that it no longer hears. */
  unheard: Record<string, string[]>;
  /** One way alone: for each node the places that it hears and that no longer hear it. */
  unanswered: Record<string, string[]>;
  ports: number[] | 'all';
  /** Nodes on the side with fewer primaries, or on both where they are even. */
  cutOff: string[];
};

/** A place throws nothing away itself: what it is not to hear, the node does not send. */
const matchOf = ({ ports, unheard, unanswered }: Plan, node: string): Match => ({
  ports,
  ...(unheard[node] ? { direction: 'in', peers: unheard[node] } : { direction: 'out', peers: unanswered[node] ?? [] }),
  connections: 'both',
});

export default defineFault({
  name: 'partition',
  about: 'the network falls apart: the target on one side, the others on the other, or in another shape',
  mechanism:
    'each node drops what comes in from the addresses it is parted from, in chains of its own; clients reach both sides, unless places are put on one',
  evidence: 'the drop counter at every node that is parted from another',
  undo: 'our jumps and chains are removed; iptables-save shows none of them',
  example: '--target "one primary and its replica" --port all',
  parameters: z.strictObject({
    shape: z
      .enum(['sides', 'halves', 'ring', 'bridge', 'apart'])
      .default('sides')
      .describe(
        'target against the rest; the target in two halves; each hears a majority and no two the same; one node between two halves; each alone',
      ),
    against: z.string().min(1).default('everyone else').describe('the other side of `sides`, as a target'),
    oneWay: z.boolean().default(false).describe('with `sides`: the target is not heard any more, but still hears'),
    withTarget,
    port: port.default('all'),
  }),
  plan(parameters, planning): Plan {
    const { victims, cluster, random, topology, select } = planning;
    const names = victims.map(({ name }) => name);
    const mixed = [...names].map((name) => ({ name, by: random.integer(0, 1_000_000) })).sort((a, b) => a.by - b.by);
    const shuffled = mixed.map(({ name }) => name);
    if (parameters.shape !== 'sides' && names.length < 3)
      throw new UsageError(`a partition as ${parameters.shape} wants at least 3 nodes, but the target means ${names.join(', ')}`);
    const other =
      parameters.shape === 'sides'
        ? select(parameters.against)
            .map(({ name }) => name)
            .filter((name) => !names.includes(name))
        : [];
    if (parameters.shape === 'sides' && other.length === 0)
      throw new UsageError(`a partition needs another side, but '${parameters.against}' means no node besides ${names.join(', ')}`);
    const half = Math.floor(names.length / 2);
    const shapes: Readonly<Record<typeof parameters.shape, () => Grudge>> = {
      sides: () => (parameters.oneWay ? oneWay(sides(names, other), other) : sides(names, other)),
      halves: () => sides(shuffled.slice(0, half), shuffled.slice(half)),
      ring: () => ring(shuffled),
      bridge: () => bridge(shuffled),
      apart: () => sides(...names.map((name) => [name])),
    };
    const ports = portsOf(parameters.port);
    const places = placesApart(parameters.withTarget, planning);
    if (parameters.withTarget !== undefined && parameters.shape !== 'sides')
      throw new UsageError(`a partition as ${parameters.shape} parts the target itself; places on its side want the shape sides`);
    if (parameters.withTarget !== undefined && ports !== 'all' && !ports.includes(clientPort))
      throw new UsageError(`expected the port 'client' or 'all' where places are parted, got ${parameters.port}: no client uses that one`);
    const grudge = Object.entries(shapes[parameters.shape]()).filter(([, unheard]) => unheard.length > 0);
    const beyond = (name: string): string[] => (names.includes(name) ? places.theirs : places.ours);
    const unanswering = parameters.oneWay && places.theirs.length > 0 ? names : [];
    const primaries = (side: readonly string[]): number =>
      cluster.nodes.filter(({ name, id }) => side.includes(name) && topology.some((view) => view.id === id && view.slots.length > 0))
        .length;
    // Who has lost the majority goes on acknowledging for a while; where nobody can tell, everybody may.
    const cutOff =
      parameters.shape !== 'sides'
        ? names
        : primaries(names) < primaries(other)
          ? names
          : primaries(other) < primaries(names)
            ? other
            : [...names, ...other];
    return {
      nodes: [...grudge.map(([name]) => name), ...unanswering],
      unheard: Object.fromEntries(
        grudge.map(([name, unheard]) => [name, [...unheard.map((peer) => ipOf(nodeNamed(cluster, peer))), ...beyond(name)]]),
      ),
      unanswered: Object.fromEntries(unanswering.map((name) => [name, places.theirs])),
      ports: ports === 'all' ? 'all' : [...ports],
      cutOff: [...cutOff],
    };
  },
  exposes: ({ cutOff }) => cutOff.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => plan.nodes.map((node) => rules(node, tag, matchOf(plan, node))),
  // Nodes are never silent among themselves; whether a client speaks at all is its own affair.
  effect: (plan, tag, witness) =>
    everywhere(Object.keys(plan.unheard), (node) => hitEvidence(witness, node, tag, matchOf(plan, node), 'dropped')),
});
