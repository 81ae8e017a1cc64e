import * as z from 'zod';
import { toolbox } from '../driver.ts';
import { bites, defineFault, everywhere, misses, peersOf, scripted } from '../fault.ts';
import { direction, peers, port, portsOf, whole } from '../parameter.ts';
import type { Script, Traffic } from '../traffic.ts';
import { detours, detourScript } from '../traffic/detour.ts';

type Plan = {
  nodes: string[];
  kbitPerSecond: number;
  ports: number[] | 'all';
  direction: Traffic['direction'];
  peers: Record<string, string[] | 'all'>;
};

/** tbf needs a bucket of at least one packet; a queue of 400 ms is what a slow line has, more would only hide the losses. */
const script = (plan: Plan, node: string, tag: string): Script =>
  detourScript(
    tag,
    { ports: plan.ports, direction: plan.direction, peers: plan.peers[node] ?? 'all' },
    `tbf rate ${plan.kbitPerSecond}kbit burst ${Math.max(10_000, Math.round(plan.kbitPerSecond * 1.25))} latency 400ms`,
  );

export default defineFault({
  name: 'rate-limit',
  about: 'the line is slow: transfers take long, and what comes faster waits and is dropped',
  mechanism: 'filters send the chosen packets through a token bucket (tbf) on a device of our own, in each direction apart',
  evidence: 'packets that the bucket has held back, by its overlimits counter',
  undo: 'our filters and our device are removed; the queueing discipline of the network device was never touched',
  example: '--target "one replica" --kbit-per-second 64',
  parameters: z.strictObject({
    kbitPerSecond: whole('the rate in each direction, in thousands of bits a second', 8, 10_000_000).default(1_000),
    port: port.default('all'),
    direction: direction.default('both'),
    peers: peers.default('everyone'),
  }),
  plan({ port: which, peers: whose, ...parameters }, planning): Plan {
    const ports = portsOf(which);
    return {
      nodes: planning.victims.map(({ name }) => name),
      ports: ports === 'all' ? 'all' : [...ports],
      peers: peersOf(whose, planning),
      ...parameters,
    };
  },
  // A line that is slow enough is none.
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
  actions: (plan, tag) => plan.nodes.map((node) => scripted(node, script(plan, node, tag))),
  effect: (plan, tag, { read }) =>
    everywhere(plan.nodes, async (node) => {
      const ways = (['in', 'out'] as const).filter((way) => plan.direction === 'both' || plan.direction === way);
      const { output } = await read(
        toolbox(
          node,
          ways
            .map((way) => `tc -s qdisc show dev ${detours(tag)[way]} 2>/dev/null | sed -n 's/.*overlimits \\([0-9]*\\).*/\\1/p'`)
            .join('; '),
        ),
      );
      const held = output.split('\n').reduce((sum, line) => sum + Number(line), 0);
      return held > 0
        ? bites(`${node}: ${held} times a packet had to wait for ${plan.kbitPerSecond} kbit/s`)
        : misses(`${node} stays below ${plan.kbitPerSecond} kbit/s`);
    }),
});
