import * as z from 'zod';
import { toolbox } from '../driver.ts';
import { type Action, bites, defineFault, everywhere, misses } from '../fault.ts';
import { type Match, rules } from '../firewall.ts';

type Plan = { nodes: string[]; how: 'no-answer' | 'refused' | 'wrong-answer'; address: string; port: number };

/** Where a container asks on every network but the default one. */
const resolver = '127.0.0.11';
const match: Match = { ports: 'all', direction: 'out', peers: [resolver], connections: 'both' };
const responder = (tag: string): string => `slotquake-answer=${tag}=`;
/** The brackets keep the pattern from matching the shell that looks for it. */
const processes = (tag: string): string => `grep -lzs '^[s]lotquake-answer=${tag}=$' /proc/[0-9]*/cmdline | cut -d/ -f3`;

/** Questions go to a process of ours, ahead of the container engine's own redirection in the same table. */
function wrongAnswers(node: string, tag: string, { address, port }: Plan): Action {
  const rule = `OUTPUT -d ${resolver} -p udp --dport 53 -m comment --comment SLOTQUAKE-${tag} -j REDIRECT --to-ports ${port}`;
  return {
    do: toolbox(
      node,
      `python3 /usr/lib/slotquake/answer.py ${responder(tag)} port=${port} address=${address} && iptables -w 5 -t nat -I ${rule}`,
    ),
    undo: toolbox(
      node,
      `while iptables -w 5 -t nat -D ${rule} 2>/dev/null; do :; done; for process in $(${processes(tag)}); do kill -9 $process 2>/dev/null; done; true`,
    ),
    residue: toolbox(
      node,
      `saved=$(iptables-save -t nat) || exit 1; printf '%s\n' "$saved" | grep -e 'SLOTQUAKE-${tag}'; ${processes(tag)}; true`,
    ),
  };
}

export default defineFault({
  name: 'dns-failure',
  about: 'host names resolve no more, or to a wrong address: the bus uses addresses and survives, clients with names do not',
  mechanism: "what the node asks the container network's name server is dropped, rejected, or answered by a process of ours",
  evidence: "a lookup in the node's network namespace that fails, or gives the wrong address",
  undo: 'our rules are removed and our process is ended; iptables-save and the process list show neither',
  example: '--target "all nodes" --how no-answer',
  parameters: z.strictObject({
    how: z.enum(['no-answer', 'refused', 'wrong-answer']).default('no-answer').describe('silence, an error at once, or a wrong address'),
    address: z.ipv4().default('192.0.2.1').describe('the wrong address; the default belongs to nobody (RFC 5737)'),
  }),
  plan: (parameters, { victims, random }): Plan => ({
    nodes: victims.map(({ name }) => name),
    ...parameters,
    port: random.integer(20_000, 29_999),
  }),
  actions: (plan, tag) =>
    plan.nodes.map((node) =>
      plan.how === 'wrong-answer' ? wrongAnswers(node, tag, plan) : rules(node, tag, match, plan.how === 'refused' ? 'REJECT' : 'DROP'),
    ),
  effect: ({ nodes, how, address }, _tag, { read }) =>
    everywhere(nodes, async (node) => {
      const { exitCode, output } = await read(toolbox(node, 'timeout 2 nslookup -type=a slotquake.invalid 2>&1'));
      if (how === 'wrong-answer')
        return output.includes(address)
          ? bites(`${node}: slotquake.invalid resolves to ${address}`)
          : misses(`${node} gets no wrong answer yet`);
      // NXDOMAIN is an answer, and a name server that gives one works.
      return exitCode !== 0 && !/NXDOMAIN|Name:/.test(output)
        ? bites(`${node}: a lookup gets ${how === 'refused' ? 'an error' : 'no answer'}`)
        : misses(`a lookup at ${node} is still answered`);
    }),
});
