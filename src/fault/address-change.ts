import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { engine, files, toolbox, ipOf } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { type Action, bites, defineFault, everywhere, misses } from '../fault.ts';
import { nothing, revival, whileAlive } from '../revival.ts';

type Plan = {
  nodes: string[];
  ids: string[];
  /** By node: the address that it has and the one that it gets. */
  from: Record<string, string>;
  to: Record<string, string>;
  gateway: string;
  announce: 'new' | 'old';
  restart: boolean;
};

const device = 'eth0';
const chain = (tag: string): string => `SLOTQUAKE-${tag}-OLD`;

/**
 * From Redis 7.0 on, an engine that is told to end waits for replicas that are behind, 10 s by default, and one that has just
 * been started has a replica in the middle of a full resync (server.c, isReadyToShutdown). Earlier ones do not know the setting.
 */
const waitForNoReplica = 'timeout 1 $CLI CONFIG SET shutdown-timeout 0 >/dev/null 2>&1 || true';

/**
 * The new address stands beside the old one, and what the node sends comes from the new one. The old one stays for the
 * harness alone: everybody else in the network finds it dead, as after a restart with another address.
 */
function move(node: string, tag: string, from: string, to: string, gateway: string): Action {
  const line = (jump: string): string => `-m comment --comment ${chain(tag)} -j ${jump}`;
  // The route and the prefix come from the device itself: they are whatever the network was made with.
  const prefix = `prefix=$(ip -4 -o addr show dev ${device} | sed -n 's/.* inet ${from.replaceAll('.', '\\.')}\\(\\/[0-9]*\\) .*/\\1/p')`;
  const route = (source: string): string =>
    `ip -4 route show dev ${device} proto kernel scope link | head -n 1 | while read -r net _; do ip route replace "$net" dev ${device} proto kernel scope link src ${source}; done; ip route replace default via ${gateway} dev ${device}${source === from ? '' : ` src ${source}`}`;
  return {
    do: toolbox(
      node,
      `${prefix}; ip addr add ${to}"$prefix" dev ${device} || exit 1; ${route(to)}; ` +
        `printf '%s\\n' '*filter' ':${chain(tag)} - [0:0]' '-A ${chain(tag)} ! -s ${gateway} -d ${from} -j DROP' '-A ${chain(tag)} -s ${from} ! -d ${gateway} -j DROP' '-I INPUT ${line(chain(tag))}' '-I OUTPUT ${line(chain(tag))}' COMMIT | iptables-restore -w 5 --noflush`,
    ),
    undo: toolbox(
      node,
      `for hook in INPUT OUTPUT; do while iptables -w 5 -D $hook ${line(chain(tag))} 2>/dev/null; do :; done; done; iptables -w 5 -F ${chain(tag)} 2>/dev/null; iptables -w 5 -X ${chain(tag)} 2>/dev/null; ` +
        `if ip -4 -o addr show dev ${device} | grep -qF ' ${to}/'; then ${route(from)}; ${prefix}; ip addr del ${to}"$prefix" dev ${device}; fi; true`,
    ),
    residue: toolbox(
      node,
      `saved=$(iptables-save -t filter) || exit 1; printf '%s\\n' "$saved" | grep -e '${chain(tag)}'; ip -4 -o addr show dev ${device} | grep -F ' ${to}/'; ip -4 route | grep -F 'src ${to}'; true`,
    ),
  };
}

/** What the node says of itself after the next start: cluster/form.ts wrote the old address there. */
function announce(node: string, tag: string, to: string): Action {
  const saved = `/data/.slotquake-${tag}-conf`;
  return {
    // Saved whole or not at all: half a copy must not come back. sed leaves a file of its own where it is cut off.
    do: files(
      node,
      `cp /data/redis.conf ${saved}.new && mv ${saved}.new ${saved} && sed -i 's/^cluster-announce-ip .*/cluster-announce-ip ${to}/' /data/redis.conf`,
    ),
    undo: files(node, `rm -f ${saved}.new /data/sed??????; [ ! -e ${saved} ] || mv ${saved} /data/redis.conf`),
    residue: files(node, `ls ${saved} ${saved}.new 2>/dev/null; grep -F 'cluster-announce-ip ${to}' /data/redis.conf; true`),
  };
}

export default defineFault({
  name: 'address-change',
  about: 'the node comes back with another IP address, as a rescheduled pod does',
  mechanism:
    'the engine is stopped, the network device gets a new address and answers nobody but the harness on the old one, the engine starts again',
  evidence: 'the new address on the device, and a peer that lists the node there (or, announced with the old one, has lost its link)',
  undo: 'the old address and its routes are set again, the new one and our rules are removed, and the engine starts with its old settings',
  example: '--target "one replica"',
  parameters: z.strictObject({
    announce: z.enum(['new', 'old']).default('new').describe('what cluster-announce-ip says then'),
    restart: z
      .boolean()
      .default(true)
      .describe('restart the engine on the way; without, it lives through the change and announces the old address'),
  }),
  plan(parameters, { victims, cluster, random }): Plan {
    if (!parameters.restart && parameters.announce === 'new')
      throw new UsageError("a node that is not restarted announces its old address; ask for announce 'old', or let it restart");
    const taken = new Set([...cluster.nodes, ...(cluster.spares ?? []), ...cluster.places].map(ipOf));
    const fresh = (address: string): string => {
      for (;;) {
        const candidate = address.replace(/\d+$/, `${random.integer(101, 250)}`);
        if (!taken.has(candidate)) return taken.add(candidate) && candidate;
      }
    };
    const from = Object.fromEntries(victims.map((victim) => [victim.name, ipOf(victim)]));
    return {
      nodes: victims.map(({ name }) => name),
      ids: victims.map(({ id }) => id),
      from,
      to: Object.fromEntries(Object.entries(from).map(([name, address]) => [name, fresh(address)])),
      gateway: victims[0]?.gateway ?? '',
      ...parameters,
    };
  },
  exposes: ({ nodes, restart }) => nodes.map((node) => ({ node, how: restart ? 'crashed' : 'isolated' })),
  actions: ({ nodes, from, to, gateway, announce: says, restart }, tag) =>
    nodes.flatMap((node): Action[] => {
      const [old, fresh] = [from[node] as string, to[node] as string];
      const moved = move(node, tag, old, fresh, gateway);
      const alone = exclusive(node, tag, 'process');
      if (!restart) return [alone, moved];
      const stop = { run: 'stop', node, graceSeconds: 10 } as const;
      const end = { ...stop, graceSeconds: 13 };
      // Undone in reverse: stopped, moved back, and started with the old settings.
      return [
        alone,
        { ...revival(node, tag), do: nothing(node) },
        // An engine that has waited its 10 s for replicas saves after that, and would lose data if it were killed then. One that
        // still ends when this is taken back must have ended before it is started.
        { do: end, undo: end, residue: nothing(node), healWithinMs: 16_000 },
        moved,
        ...(says === 'new' ? [announce(node, tag, fresh)] : []),
        // Two steps, so that an engine which cannot be asked is stopped all the same. The first only looks.
        { do: { run: 'expect', node, state: { status: 'exited' } }, undo: stop, residue: nothing(node), healWithinMs: 12_000 },
        { do: { run: 'start', node }, undo: whileAlive(engine(node, waitForNoReplica)), residue: nothing(node) },
      ];
    }),
  effect: ({ nodes, ids, to, announce: says }, _tag, { read, views }) =>
    everywhere(nodes, async (node, index) => {
      const { output } = await read(toolbox(node, `ip -4 -o addr show dev ${device} | grep -cF ' ${to[node]}/'`));
      if (output !== '1') return misses(`${node} has no address ${to[node]}`);
      const lines = [...views()].filter(([name]) => name !== node).flatMap(([, view]) => view.filter(({ id }) => id === ids[index]));
      const seen = lines.filter((line) =>
        says === 'new' ? line.address.startsWith(`${to[node]}:`) : !line.linked || line.flags.some((flag) => flag.startsWith('fail')),
      );
      if (seen.length === 0) return misses(says === 'new' ? `nobody lists ${node} at ${to[node]} yet` : `nobody has lost ${node} yet`);
      return bites(`${node}: ${seen.length} peers ${says === 'new' ? `list it at ${to[node]}` : 'have lost their link to it'}`);
    }),
});
