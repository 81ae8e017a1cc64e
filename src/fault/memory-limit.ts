import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { background } from '../background.ts';
import type { HostUsage } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { whole } from '../parameter.ts';
import { revival } from '../revival.ts';

type Plan = { nodes: string[]; limitBytes: number; pressure: boolean; originals: (number | null)[] };

const mebi = 2 ** 20;

export default defineFault({
  name: 'memory-limit',
  about: 'a node has too little memory: writes, a fork or a full resync get the engine killed with exit code 137',
  mechanism:
    "a lower limit of the engine's control group; with pressure a process beside the engine takes memory until the kernel kills the engine, which is made its first choice",
  evidence: 'the limit as the kernel has it, and an engine that the kernel killed, or that uses nine tenths of the limit',
  undo: 'the process is ended, the limit is what it was, and the engine is started if it was killed',
  example: '--target "one primary" --limit-bytes 33554432 --pressure yes',
  parameters: z.strictObject({
    limitBytes: whole('what the container may use at most', 6 * mebi, 2 ** 40),
    pressure: z.boolean().default(false).describe('also take memory until the kernel kills the engine'),
  }),
  plan({ limitBytes, pressure }, { victims }): Plan {
    const unknown = victims.find(({ memoryBytes }) => memoryBytes === undefined);
    if (unknown)
      throw new UsageError(
        `the fault memory-limit cannot tell what ${unknown.name} may use now, so it could not be restored; choose another node`,
      );
    const low = victims.find(({ memoryBytes }) => memoryBytes !== null && (memoryBytes as number) <= limitBytes);
    if (low)
      throw new UsageError(`the fault memory-limit needs a limit below the ${low.memoryBytes} bytes of ${low.name}, got ${limitBytes}`);
    return {
      nodes: victims.map(({ name }) => name),
      limitBytes,
      pressure,
      originals: victims.map(({ memoryBytes }) => memoryBytes ?? null),
    };
  },
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'crashed' })),
  actions: ({ nodes, limitBytes, pressure, originals }, tag) =>
    nodes.flatMap((node, index) => {
      const original = originals[index] as number | null;
      // Any process may make itself and its like a better victim; a fresh one has what the engine had before.
      const adjust = (to: string): string => `echo ${to} >/proc/1/oom_score_adj`;
      const hog = background(node, `slotquake-hog-${tag}`, `head -c ${limitBytes} /dev/zero | tail`, { first: `${adjust('1000')} && ` });
      return [
        exclusive(node, tag, 'memory limit'),
        revival(node, tag),
        {
          do: { run: 'limit', node, memoryBytes: limitBytes } as const,
          undo: { run: 'limit', node, memoryBytes: original } as const,
          residue: { run: 'expect', node, state: { memoryBytes: original } } as const,
        },
        ...(pressure ? [hog] : []),
      ];
    }),
  effect: ({ nodes, limitBytes, pressure }, _tag, { read, state }) =>
    everywhere(nodes, async (node) => {
      const { status, exitCode, outOfMemory, memoryBytes } = await state(node);
      if (memoryBytes !== limitBytes) return misses(`the limit of ${node} is ${memoryBytes} bytes`);
      if (status === 'exited') {
        if (!outOfMemory) return misses(`the engine of ${node} exited with ${exitCode}, but not for lack of memory`);
        return bites(`${node}: killed for lack of memory at ${limitBytes} bytes, exit ${exitCode}`);
      }
      const usage = JSON.parse((await read({ run: 'usage', node })).output) as HostUsage;
      if (usage.memoryLimitBytes !== limitBytes) return misses(`the kernel limits ${node} to ${usage.memoryLimitBytes} bytes`);
      if (pressure) return misses(`the engine of ${node} still lives with ${usage.memoryBytes} of ${limitBytes} bytes in use`);
      if (usage.memoryBytes < 0.9 * limitBytes)
        return misses(`${node} uses ${usage.memoryBytes} of ${limitBytes} bytes; with pressure it would be killed`);
      return bites(`${node}: uses ${usage.memoryBytes} of ${limitBytes} bytes`);
    }),
});
