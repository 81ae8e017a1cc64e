import * as z from 'zod';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostUsage } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';

type Plan = { nodes: string[]; cpus: number };

export default defineFault({
  name: 'cpu-throttle',
  about: 'a node gets too little processor: a tight limit of its container, a stolen core',
  mechanism: "a quota of the engine's control group, per 100 ms; once it is used up, every process of it waits for the next period",
  evidence: 'the number of periods in which the kernel held the container back grows between two looks',
  undo: 'the quota is lifted',
  example: '--target "one primary" --cpus 0.01',
  parameters: z.strictObject({
    cpus: z.number().min(0.01).max(64).default(0.05).describe('how many processors the container may use, such as 0.05'),
  }),
  plan: ({ cpus }, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), cpus }),
  // Held back long enough, it stands still between its periods.
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'frozen' })),
  actions: ({ nodes, cpus }, tag) =>
    nodes.flatMap((node) => [
      exclusive(node, tag, 'cpu limit'),
      {
        do: { run: 'limit', node, cpus },
        // None of our containers has a quota of its own.
        undo: { run: 'limit', node, cpus: null },
        residue: { run: 'expect', node, state: { cpus: null } },
      },
    ]),
  effect: ({ nodes, cpus }, _tag, { read }) =>
    everywhere(nodes, async (node) => {
      const periods = async (): Promise<number> => (JSON.parse((await read({ run: 'usage', node })).output) as HostUsage).throttledPeriods;
      const before = await periods();
      await delay(300);
      const after = await periods();
      if (!(after > before)) return misses(`${node} was not held back: it needs less than ${cpus} processors`);
      return bites(`${node}: held back in ${after - before} periods of 100 ms, with ${cpus} processors`);
    }),
});
