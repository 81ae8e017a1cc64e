import * as z from 'zod';
import { ipOf, toolbox } from './driver.ts';
import { bites, defineFault, everywhere, type FaultKind, type FaultMaker, misses, scripted } from './fault.ts';
import { direction, peers, port, portsOf } from './parameter.ts';
import { type Counters, type Script, type Shape, shape, shapeScript, type Traffic, type Way } from './traffic.ts';

/** Which packets: every shaping fault asks for them in the same words. */
const selection = {
  port: port.default('all'),
  direction: direction.default('both').describe('seen from the target; with both, a round trip is hit twice'),
  peers: peers
    .default('everyone')
    .describe("whose traffic: 'everyone', clients included, or a target such as 'everyone else', the other nodes"),
};

type Plan = {
  nodes: string[];
  /** Which means this kernel has: the record says so. */
  way: Way;
  ports: number[] | 'all';
  direction: Traffic['direction'];
  peers: Record<string, string[]>;
  shape: { [wish in keyof Shape]: Shape[wish] };
  seed: number;
};

interface ShapingKind<S extends z.ZodRawShape> extends Pick<FaultKind<z.ZodObject, Plan>, 'name' | 'about' | 'example'> {
  readonly mechanism: string;
  readonly parameters: S;
  wish(parameters: z.output<z.ZodObject<S>>): Partial<Shape>;
  /** What the counters must show, and what to call it; null where this way does not count it. */
  counted(counters: Counters): readonly [number | null, string];
}

/** A fault that changes what happens to packets on their way: the kinds differ in what they wish for. */
export function shapingFault<const S extends z.ZodRawShape>(kind: ShapingKind<S>): FaultMaker<z.ZodObject<S & typeof selection>, Plan> {
  const script = (plan: Plan, node: string, tag: string): Script =>
    shapeScript(plan.way, tag, { ports: plan.ports, direction: plan.direction, peers: plan.peers[node] ?? [] }, plan.shape, plan.seed);
  return defineFault<z.ZodObject<S & typeof selection>, Plan>({
    name: kind.name,
    about: kind.about,
    mechanism: `${kind.mechanism}; by tc netem where the kernel has it, else packets are held in an NFQUEUE`,
    evidence: 'the counters of the queue or the discipline at each target',
    undo: 'our rules, our queue with its holder, or our queueing discipline are removed; packets still held go on their way',
    example: kind.example,
    parameters: z.strictObject({ ...selection, ...kind.parameters }) as unknown as z.ZodObject<S & typeof selection>,
    plan(parameters, { victims, cluster, random, select }): Plan {
      const { port: which, direction: way, peers: whose } = parameters as z.output<z.ZodObject<typeof selection>>;
      // Clients come by way of the bridge: with every address named, what is held is on no socket's account.
      const chosen = whose === 'everyone' ? [...cluster.nodes, ...(cluster.spares ?? []), ...cluster.places] : select(whose);
      const bridge = whose === 'everyone' ? cluster.nodes.slice(0, 1).map(({ gateway }) => gateway) : [];
      const ports = portsOf(which);
      const plan: Plan = {
        nodes: victims.map(({ name }) => name),
        way: cluster.shapes,
        ports: ports === 'all' ? 'all' : [...ports],
        direction: way,
        peers: Object.fromEntries(
          victims.map((victim) => [victim.name, [...chosen.filter(({ name }) => name !== victim.name).map(ipOf), ...bridge]]),
        ),
        shape: shape(kind.wish(parameters as z.output<z.ZodObject<S>>)),
        seed: random.integer(0, 2 ** 31 - 1),
      };
      // What cannot be done is refused now, before anything is touched.
      for (const node of plan.nodes) script(plan, node, 'plan');
      return plan;
    },
    // At their extremes they cut a node off: nothing comes through, or too late.
    exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'isolated' })),
    actions: (plan, tag) => plan.nodes.map((node) => scripted(node, script(plan, node, tag))),
    effect: (plan, tag, { read }) =>
      everywhere(plan.nodes, async (node) => {
        const { exitCode, output } = await read(toolbox(node, script(plan, node, tag).counters));
        if (exitCode !== 0) return misses(`the counters of ${node} cannot be read: ${output}`);
        const counters = JSON.parse(output) as Counters;
        if (!counters.holding) return misses(`nothing holds packets at ${node} any more`);
        const silent = (['in', 'out'] as const).find((way) => (plan.direction === 'both' || plan.direction === way) && counters[way] === 0);
        if (silent) return misses(`no packet of ${node} was hit on the way ${silent}`);
        const [count, deed] = kind.counted(counters);
        if (count === 0) return misses(`no packet was ${deed} at ${node} yet`);
        return bites(
          `${node}: ${count ?? counters.in + counters.out} packets ${deed} by ${counters.way}${(counters.overrun ?? 0) > 0 ? `, and ${counters.overrun} lost to overrun, which nobody asked for` : ''}`,
        );
      }),
  });
}
