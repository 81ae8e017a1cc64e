import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { forgotten, type Member, memberOf, spreadsBans } from '../membership.ts';
import { peers } from '../parameter.ts';

type Plan = {
  nodes: string[];
  members: Member[];
  /** Who is told to forget them. */
  at: string[];
  /** Who may only hear of it, and forget them too. */
  hearers: string[];
  bansSpread: boolean;
};

export default defineFault({
  name: 'forget',
  about: 'a living node is thrown out of the memory of others, who may hear of it again by gossip once the ban of a minute ends',
  mechanism: 'CLUSTER FORGET; Redis from 7.2 and Valkey spread it to every other node',
  evidence: 'those who were told no longer list the node, or only as a handshake',
  undo: 'CLUSTER MEET from everyone who has forgotten it; where the ban spreads, it would be thrown out again, so this waits until the minute is over',
  example: '--target "one replica" --at "everyone else"',
  parameters: z.strictObject({ at: peers.default('everyone else').describe('who forgets: a target; no node can forget its own primary') }),
  plan({ at }, { victims, topology, cluster, select }): Plan {
    const tellers = select(at).filter((node) => !victims.includes(node));
    if (tellers.length === 0) throw new UsageError(`expected others than the target to forget it, got '${at}'`);
    const follows = (replica: { id: string }): boolean =>
      victims.some(({ id }) => id === topology.find((peer) => peer.id === replica.id)?.primary);
    const bound = tellers.filter(follows).map(({ name }) => name);
    if (bound.length > 0)
      throw new UsageError(
        `${bound.join(', ')} cannot forget its own primary; leave it out with --at "everyone else except its replica", or choose a replica as the target`,
      );
    const bansSpread = spreadsBans(cluster);
    return {
      nodes: victims.map(({ name }) => name),
      members: victims.map(memberOf),
      at: tellers.map(({ name }) => name),
      hearers: bansSpread
        ? cluster.nodes.filter((node) => !victims.includes(node) && !tellers.includes(node) && !follows(node)).map(({ name }) => name)
        : [],
      bansSpread,
    };
  },
  actions: ({ members, at, hearers, bansSpread }, tag) =>
    members.flatMap((member) => [
      ...at.flatMap((node) => forgotten(node, tag, member, true, bansSpread)),
      ...hearers.flatMap((node) => forgotten(node, tag, member, false, bansSpread)),
    ]),
  effect: ({ nodes, members, at }, _tag, witness) =>
    everywhere(at, async (node) => {
      const view = witness.views().get(node);
      if (!view) return misses(`${node} has told no topology since`);
      const known = members.findIndex(({ id }) => view.some((peer) => peer.id === id && !peer.flags.includes('handshake')));
      return known < 0 ? bites(`${node} does not list ${nodes.join(', ')}`) : misses(`${node} still lists ${nodes[known]}`);
    }),
});
