import * as z from 'zod';
import { background, ticksOf } from '../background.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { whole } from '../parameter.ts';

type Plan = { nodes: string[]; processes: number };

const nameOf = (tag: string): string => `slotquake-burn-${tag}`;

export default defineFault({
  name: 'cpu-burn',
  about: 'a neighbour of the engine takes the processor: a backup, a scanner, a script that went wild',
  mechanism: "busy loops in the engine's container, in its control group and as its user",
  evidence: 'the processor time of the loops grows between two looks',
  undo: 'the loops are killed; no process of their name lives',
  example: '--target "one primary" --processes 2',
  parameters: z.strictObject({ processes: whole('how many busy loops at each node', 1, 64).default(2) }),
  plan: ({ processes }, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), processes }),
  actions: ({ nodes, processes }, tag) => nodes.map((node) => background(node, nameOf(tag), 'while :; do :; done', { count: processes })),
  effect: ({ nodes, processes }, tag, { read }) =>
    everywhere(nodes, async (node) => {
      const { exitCode, output } = await read(ticksOf(node, nameOf(tag)));
      const [before = Number.NaN, after = Number.NaN] = output.split('\n').map(Number);
      if (exitCode !== 0 || !(after > before)) return misses(`the busy loops of ${node} take no processor time: ${output}`);
      return bites(`${node}: ${processes} busy loops took ${(after - before) * 10} ms of processor time within 200 ms`);
    }),
});
