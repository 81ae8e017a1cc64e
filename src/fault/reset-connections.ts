import * as z from 'zod';
import { toolbox } from '../driver.ts';
import { bites, defineFault, everywhere, misses, peersOf } from '../fault.ts';
import { duration, peers, port, portsOf } from '../parameter.ts';
import { endResidents, residents } from '../resident.ts';

type Plan = { nodes: string[]; ports: number[] | 'all'; peers: Record<string, string[] | 'all'>; everyMs: number };

/** What `ss` selects: established connections with one of the ports at either end, to one of the peers. */
function filter(plan: Plan, node: string): string {
  const hosts = plan.peers[node] ?? 'all';
  const parts = [
    ...(plan.ports === 'all' ? [] : [`( ${plan.ports.map((number) => `sport = ${number} or dport = ${number}`).join(' or ')} )`]),
    ...(hosts === 'all' ? [] : [`( ${hosts.map((ip) => `dst ${ip}`).join(' or ')} )`]),
  ];
  return parts.length === 0 ? '' : `"${parts.join(' and ')}"`;
}

const file = (tag: string): string => `/tmp/slotquake-${tag}-reset`;
const loopOf = (tag: string): string => `slotquake-reset=${tag}=`;

export default defineFault({
  name: 'reset-connections',
  about: 'established connections break at both ends, once or again and again; new ones may be opened at once',
  mechanism: 'the kernel destroys the sockets (ss --kill, CONFIG_INET_DIAG_DESTROY) and sends RST to the other ends',
  evidence: 'the connections that were destroyed, none of which is established any more',
  undo: 'nothing to take back for a single reset; the process that repeats it is ended',
  example: '--target "one primary" --port bus --every 500ms',
  parameters: z.strictObject({
    port: port.default('bus'),
    peers: peers.default('everyone'),
    every: duration('repeat it this often while the fault lasts; left out, it is done once', '100ms', '60s').optional(),
  }),
  plan({ port: which, peers: whose, every = 0 }, planning): Plan {
    const ports = portsOf(which);
    return {
      nodes: planning.victims.map(({ name }) => name),
      ports: ports === 'all' ? 'all' : [...ports],
      peers: peersOf(whose, planning),
      everyMs: every,
    };
  },
  actions: (plan, tag) =>
    plan.nodes.map((node) => {
      const kill = `ss -H -4 -t -n -K state established ${filter(plan, node)} >>${file(tag)}`;
      const loop = `while sleep ${plan.everyMs / 1_000}; do ${kill}; done`;
      return {
        do: toolbox(
          node,
          plan.everyMs === 0
            ? kill
            : `${kill}; setsid sh -c '${loop}' ${loopOf(tag)} </dev/null >/dev/null 2>&1 & echo $! >${file(tag)}.pid`,
        ),
        undo: toolbox(
          node,
          // By its number, for it may not have its name and its session yet, and by its name where no number was written.
          `if pid=$(cat ${file(tag)}.pid 2>/dev/null); then kill -9 "-$pid" 2>/dev/null || kill -9 "$pid" 2>/dev/null; fi; ` +
            `${endResidents(loopOf(tag))}; rm -f ${file(tag)} ${file(tag)}.pid`,
        ),
        residue: toolbox(node, `ls ${file(tag)} ${file(tag)}.pid 2>/dev/null; ${residents(loopOf(tag))}; true`),
      };
    }),
  effect: (plan, tag, { read }) =>
    everywhere(plan.nodes, async (node) => {
      const count = `NR == FNR { now[$3, $4]; next } { was[$3, $4] } END { for (link in was) { all++; if (link in now) alive++ }; print all + 0, alive + 0 }`;
      const { output } = await read(toolbox(node, `ss -H -4 -t -n state established | awk '${count}' - ${file(tag)}`));
      const [reset = 0, alive = 0] = output.split(' ').map(Number);
      if (!(reset > 0)) return misses(`${node} had no such connection`);
      return alive > 0
        ? misses(`${alive} of ${reset} connections of ${node} are still established`)
        : bites(`${node}: ${reset} connections were reset`);
    }),
});
