import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { background } from '../background.ts';
import { engine, files, type HostUsage } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { type Action, bites, defineFault, everywhere, misses } from '../fault.ts';
import { whole } from '../parameter.ts';
import { revival, whileAlive } from '../revival.ts';

type Plan = { nodes: string[]; limitBytes: number; pressure: boolean; originals: (number | null)[] };

const mebi = 2 ** 20;

/**
 * Makes the engine the kernel's first choice, which any process may do to itself and its like. What it was is kept in
 * /data, together with when that engine process began: the next one has what it was made with.
 */
function firstChoice(node: string, tag: string): Action {
  const kept = `/data/.slotquake-oom-${tag}`;
  const adjustment = '/proc/1/oom_score_adj';
  const began = `"$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)"`;
  const whereKept = `read -r was began <${kept} 2>/dev/null && [ "$began" = ${began} ] || exit 0`;
  return {
    do: engine(node, `echo "$(cat ${adjustment})" ${began} >${kept}.new && mv ${kept}.new ${kept} && echo 1000 >${adjustment}`),
    undo: {
      run: 'sequence',
      node,
      commands: [
        whileAlive(
          engine(
            node,
            `[ -e ${kept} ] || exit 0
${whereKept}
echo "$was" >${adjustment}
[ "$(cat ${adjustment})" = "$was" ] || { echo "the oom_score_adj of the engine is $(cat ${adjustment}), it was $was"; exit 1; }`,
          ),
        ),
        files(node, `rm -f ${kept} ${kept}.new`),
      ],
    },
    residue: {
      run: 'sequence',
      node,
      commands: [
        whileAlive(
          engine(
            node,
            `[ -e ${kept} ] || exit 0
${whereKept}
[ "$(cat ${adjustment})" = "$was" ] || echo "the oom_score_adj of the engine is $(cat ${adjustment}), it was $was"`,
          ),
        ),
        // The undo lets go of it only once the old one is in force again.
        files(node, `ls ${kept} ${kept}.new 2>/dev/null || true`),
      ],
    },
  };
}

export default defineFault({
  name: 'memory-limit',
  about: 'a node has too little memory: writes, a fork or a full resync get the engine killed with exit code 137',
  mechanism:
    "a lower limit of the engine's control group; with pressure a process beside the engine takes memory until the kernel kills the engine, which is made its first choice",
  evidence: 'the limit as the kernel has it, and an engine that the kernel killed, or that uses nine tenths of the limit',
  undo: 'the process is ended, the limit and the rank of the engine are what they were, and the engine is started if it was killed',
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
      const hog = background(node, `slotquake-hog-${tag}`, `head -c ${limitBytes} /dev/zero | tail`);
      return [
        exclusive(node, tag, 'memory limit'),
        revival(node, tag),
        {
          do: { run: 'limit', node, memoryBytes: limitBytes } as const,
          undo: { run: 'limit', node, memoryBytes: original } as const,
          residue: { run: 'expect', node, state: { memoryBytes: original } } as const,
        },
        ...(pressure ? [firstChoice(node, tag), hog] : []),
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
