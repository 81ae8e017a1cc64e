import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { parseClusterNodes } from '../cluster/topology.ts';
import { engine, toolbox } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { isPrimary, ownLine } from '../timeline/claims.ts';

type Plan = { nodes: string[]; primaries: (string | null)[]; mode: 'default' | 'FORCE' | 'TAKEOVER' };

export default defineFault({
  name: 'failover',
  about: 'a replica is told to take over from its primary, politely, by force, or without asking anybody',
  mechanism:
    'CLUSTER FAILOVER: by default the primary stops writes until the replica has all of them; FORCE skips the primary, TAKEOVER also skips the vote',
  evidence: 'the replica calls itself a primary with slots',
  undo: 'nothing to take back: a role is no damage',
  example: '--target "one replica" --mode FORCE',
  parameters: z.strictObject({
    mode: z.enum(['default', 'FORCE', 'TAKEOVER']).default('default').describe('FORCE and TAKEOVER may lose writes of the old primary'),
  }),
  plan({ mode }, { victims, topology, cluster }): Plan {
    const primaries = victims.map(({ id, name }) => {
      const primary = topology.find((peer) => peer.id === id)?.primary;
      if (!primary)
        throw new UsageError(
          `expected replicas as the target of failover, but ${name} is a primary; name its replica, such as 'a replica of ${name}'`,
        );
      return cluster.nodes.find((node) => node.id === primary)?.name ?? null;
    });
    return { nodes: victims.map(({ name }) => name), primaries, mode };
  },
  exposes: ({ primaries, mode }) =>
    mode === 'default' ? [] : primaries.flatMap((node) => (node === null ? [] : [{ node, how: 'crashed' as const }])),
  actions: ({ nodes, mode }) =>
    nodes.map((node) => ({
      do: engine(
        node,
        `reply=$($CLI CLUSTER FAILOVER ${mode === 'default' ? '' : mode}); [ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }`,
      ),
      // There is no way back. It tells where the deed ran, so that a guard ends what still does.
      undo: engine(node, 'true'),
      residue: toolbox(node, 'true'),
    })),
  // Asked of the node itself: what was observed since the deed may be nothing yet when the deed took long to answer.
  effect: ({ nodes }, _tag, { read }) =>
    everywhere(nodes, async (node) => {
      const own = ownLine(parseClusterNodes((await read(engine(node, '$CLI CLUSTER NODES'))).output));
      return own && isPrimary(own) && own.slots.length > 0
        ? bites(`${node} calls itself a primary with slots, config epoch ${own.configEpoch}`)
        : misses(`${node} does not call itself a primary with slots`);
    }),
});
