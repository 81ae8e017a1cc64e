import * as z from 'zod';
import { engine } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { rememberedMembership } from '../membership.ts';

type Plan = { nodes: string[]; ids: string[]; primaries: boolean[]; how: 'SOFT' | 'HARD'; flush: boolean; file: string };

/** Clients go on writing, so emptying a primary and resetting it must follow one another at once, and may need another try. */
const reset = (how: string, flush: boolean): string => `for try in 1 2 3 4 5 6 7 8 9 10; do
  reply=$(printf '${flush ? 'FLUSHALL\\n' : ''}CLUSTER RESET ${how}\\n' | $CLI | grep . | tail -n 1)
  [ "$reply" = OK ] && exit 0
  ${flush ? ':' : 'break'}
done
echo "the engine refuses: $reply${flush ? '' : '; a primary must be emptied first, which the parameter flush does'}"; exit 1`;

export default defineFault({
  name: 'reset',
  about: 'a node forgets the whole cluster, and with HARD its own name too',
  mechanism:
    'CLUSTER RESET: a replica becomes an empty primary without slots; a primary with keys refuses unless its data are thrown away first',
  evidence: 'the node lists itself as a primary without slots, with HARD under another id',
  undo: 'the engine is ended, gets back the nodes.conf that was saved before, and starts as the member it was, in the role that the cluster has for it now',
  example: '--target "one replica" --how HARD',
  parameters: z.strictObject({
    how: z.enum(['SOFT', 'HARD']).default('SOFT').describe("'HARD' also takes a new id and forgets the epochs"),
    flush: z
      .boolean()
      .default(false)
      .describe('FLUSHALL first, which a primary with keys needs: its data are gone for good, at its replicas too'),
  }),
  plan: ({ how, flush }, { victims, topology, cluster }): Plan => ({
    nodes: victims.map(({ name }) => name),
    ids: victims.map(({ id }) => id),
    primaries: victims.map(({ id }) => topology.some((peer) => peer.id === id && peer.primary === null)),
    how,
    flush,
    file: cluster.settings['cluster-config-file'] ?? 'nodes.conf',
  }),
  exposes: ({ nodes, primaries, flush }) =>
    nodes.flatMap((node, index) => (flush && primaries[index] ? [{ node, how: 'emptied' as const }] : [])),
  actions: ({ nodes, ids, primaries, how, flush, file }, tag) =>
    nodes.flatMap((name, index) =>
      rememberedMembership({ name, id: ids[index] as string }, tag, file, engine(name, reset(how, flush && primaries[index] === true))),
    ),
  effect: ({ nodes, ids, how }, _tag, witness) =>
    everywhere(nodes, async (node, index) => {
      const own = witness
        .views()
        .get(node)
        ?.find(({ flags }) => flags.includes('myself'));
      if (!own) return misses(`${node} has told no topology since`);
      if (own.primary !== null || own.slots.length > 0) return misses(`${node} still has a role in the cluster`);
      if (how === 'HARD' && own.id === ids[index]) return misses(`${node} still has its id`);
      return bites(`${node} calls itself ${own.id.slice(0, 8)}, an empty primary, and lists ${witness.views().get(node)?.length} in all`);
    }),
});
