import * as z from 'zod';
import { together } from '../base/together.ts';
import { UsageError } from '../base/errors.ts';
import { addressOf, lookupScript } from '../driver/container/lookup.ts';
import { type CommandResult, toolbox, ipOf } from '../driver.ts';
import { type Action, bites, defineFault, everywhere, misses, placesNamed } from '../fault.ts';
import { hitEvidence, type Match, rules } from '../firewall.ts';
import { endResidents, residents } from '../resident.ts';

type Plan = { nodes: string[]; places: string[]; how: 'no-answer' | 'refused' | 'wrong-answer'; address: string; port: number };

/** Where a container asks on every network but the default one. */
const resolver = '127.0.0.11';
/**
 * A question that is dropped or rejected on its way out fails at once, for its sender is told (EPERM). So silence is made
 * of answers that do not arrive.
 */
const matchFor = (how: 'no-answer' | 'refused'): Match => ({
  ports: 'all',
  direction: how === 'refused' ? 'out' : 'in',
  peers: [resolver],
  connections: 'both',
});
const responder = (tag: string): string => `slotquake-answer=${tag}=`;
/** Ends so that no other tag begins with it. */
const comment = (tag: string): string => `SLOTQUAKE-${tag}-`;

/** Questions go to a process of ours, ahead of the container engine's own redirection in the same table. */
function wrongAnswers(node: string, tag: string, { address, port }: Plan): Action {
  const rule = `OUTPUT -d ${resolver} -p udp --dport 53 -m comment --comment ${comment(tag)} -j REDIRECT --to-ports ${port}`;
  return {
    do: toolbox(
      node,
      `python3 /usr/lib/slotquake/answer.py ${responder(tag)} port=${port} address=${address} && iptables -w 5 -t nat -I ${rule}`,
    ),
    undo: toolbox(node, `while iptables -w 5 -t nat -D ${rule} 2>/dev/null; do :; done; ${endResidents(responder(tag))}`),
    residue: toolbox(
      node,
      `saved=$(iptables-save -t nat) || exit 1; printf '%s\n' "$saved" | grep -F -e '--comment ${comment(tag)} '; ${residents(responder(tag))}; true`,
    ),
  };
}

export default defineFault({
  name: 'dns-failure',
  about: 'host names resolve no more, or to a wrong address: the bus uses addresses and survives, clients with names do not',
  mechanism:
    "what the container network's name server answers is dropped, or what the node asks it is rejected, or answered by a process of ours",
  evidence: 'a lookup of a name that the container network itself answers: it fails and our rule has hit it, or it gives the wrong address',
  undo: 'our rules are removed and our process is ended; iptables-save and the process list show neither',
  example: '--target "all nodes" --how no-answer',
  parameters: z.strictObject({
    how: z.enum(['no-answer', 'refused', 'wrong-answer']).default('no-answer').describe('silence, an error at once, or a wrong address'),
    places: z
      .string()
      .optional()
      .describe('places whose clients get no names either, such as client-1,client-2; left out, the target alone gets none'),
    address: z.ipv4().default('192.0.2.1').describe('the wrong address; the default belongs to nobody (RFC 5737)'),
  }),
  plan({ how, address, places }, planning): Plan {
    const { victims, random } = planning;
    const right = victims.find((victim) => ipOf(victim) === address);
    if (right) throw new UsageError(`the fault dns-failure needs a wrong address, but ${address} is that of ${right.name}; choose another`);
    return {
      nodes: victims.map(({ name }) => name),
      places: placesNamed(places, planning).map(({ name }) => name),
      how,
      address,
      port: random.integer(20_000, 29_999),
    };
  },
  actions: (plan, tag) =>
    [...plan.nodes, ...plan.places].map((node) =>
      plan.how === 'wrong-answer'
        ? wrongAnswers(node, tag, plan)
        : rules(node, tag, matchFor(plan.how), plan.how === 'refused' ? 'REJECT' : 'DROP'),
    ),
  async effect({ nodes, places, how, address }, tag, witness) {
    const hosts = [...nodes, ...places];
    // All at the same time, for each waits as long as it may. Its own name: no other name server is needed to resolve it.
    const lookups = await together(hosts, (host) => witness.read(toolbox(host, lookupScript(host, 2))));
    return everywhere(hosts, async (node, index) => {
      const { exitCode, output } = lookups[index] as CommandResult;
      const answer = addressOf(output);
      if (how === 'wrong-answer')
        return answer === address ? bites(`${node}: ${node} resolves to ${address}`) : misses(`${node} gets no wrong answer yet`);
      // NXDOMAIN is an answer, and a name server that gives one works.
      if (exitCode === 0 || answer !== undefined || output.includes('NXDOMAIN')) return misses(`a lookup at ${node} is still answered`);
      const hit = await hitEvidence(witness, node, tag, matchFor(how), how === 'refused' ? 'rejected' : 'dropped');
      return hit.bites ? bites(`${node}: a lookup gets ${how === 'refused' ? 'an error' : 'no answer'}`, ...hit.because) : hit;
    });
  },
});
