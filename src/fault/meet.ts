import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { engine } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { forgetStrangers, printStrangers } from '../membership.ts';
import { clientPort } from '../parameter.ts';

type Plan = { nodes: string[]; ids: string[]; address: string };

export default defineFault({
  name: 'meet',
  about: 'a node is introduced to an address where nobody answers, as after a typing error',
  mechanism:
    'CLUSTER MEET: the node holds a handshake with the address until the handshake timeout, which is the node timeout and at least 1 s',
  evidence: 'the node lists a handshake with that address',
  undo: 'CLUSTER FORGET of whoever the node lists at that address; a handshake would also expire by itself',
  example: '--target "one primary"',
  parameters: z.strictObject({
    address: z
      .string()
      .regex(/^\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?$/, 'expected an IPv4 address')
      .optional()
      .describe("an IPv4 address, with a port if it is not 6379; by default one in the nodes' own network that nobody has"),
  }),
  plan({ address }, { victims, cluster }): Plan {
    const hosts = [...cluster.nodes, ...(cluster.spares ?? [])];
    const network = (cluster.nodes[0]?.address ?? '').replace(/\.\d+:\d+$/, '');
    const free = [250, 249, 248, 247]
      .map((last) => `${network}.${last}`)
      .find((ip) => !hosts.some((host) => host.address.startsWith(`${ip}:`)));
    const given = address ?? free ?? `${network}.254`;
    const place = given.includes(':') ? given : `${given}:${clientPort}`;
    const known = hosts.find((host) => host.address === place);
    if (known)
      throw new UsageError(`expected an address where no node of this cluster is, but ${place} is ${known.name}; add-node adds a spare`);
    return { nodes: victims.map(({ name }) => name), ids: cluster.nodes.map(({ id }) => id), address: place };
  },
  actions: ({ nodes, ids, address }, tag) =>
    nodes.flatMap((node) => [
      exclusive(node, tag, `memory of ${address}`),
      {
        do: engine(
          node,
          `reply=$($CLI CLUSTER MEET ${address.replace(':', ' ')}); [ "$reply" = OK ] || { echo "the engine refuses: $reply"; exit 1; }`,
        ),
        undo: engine(node, forgetStrangers(address, ids)),
        residue: engine(node, printStrangers(address, ids)),
      },
    ]),
  effect: ({ nodes, address }, _tag, witness) =>
    everywhere(nodes, async (node) => {
      const peer = witness
        .views()
        .get(node)
        ?.find((other) => other.address === address);
      return peer ? bites(`${node} lists ${address} as ${peer.flags.join(',')}`) : misses(`${node} lists nobody at ${address}`);
    }),
});
