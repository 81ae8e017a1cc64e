import * as z from 'zod';
import { parseDuration } from '../base/duration.ts';
import { UsageError } from '../base/errors.ts';
import { type Skew, skew, skewResidue, unskew } from '../clock.ts';
import { engine, toolbox } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';

type Plan = { nodes: string[] } & { -readonly [K in keyof Skew]: Skew[K] };

/** A skew that is smaller than this cannot be told from the time that it takes to ask. */
const noticeableMs = 50;

export default defineFault({
  name: 'clock-skew',
  about: "one node's clock jumps or runs at another pace: a bad time server, a virtual machine that was moved",
  mechanism:
    "the vDSO page of the engine process, through which it reads the time, is changed in place; nobody else's clock is touched, and a restart of the engine ends it; x86-64 only",
  evidence: 'the time that the engine tells against that of the machine, asked before and after',
  undo: 'the page is restored from the original of the kernel, and compared with it',
  example: '--target "one primary" --offset 30s',
  parameters: z.strictObject({
    offset: z
      .string()
      .regex(/^[+-]?\d+(\.\d+)?(ms|s|m|h)$/, "expected a duration with or without a sign, such as '-30s'")
      .transform((text) => parseDuration(text.replace(/^[+-]/, '')) * (text.startsWith('-') ? -1 : 1))
      .prefault('0s')
      .describe("how far the clock jumps, such as '30s', or '-30s' into the past"),
    driftPercent: z.number().min(-90).max(1_000).default(0).describe('how much faster it runs from then on, or slower where negative'),
    monotonic: z.boolean().default(false).describe('the monotonic clocks too, by which timers go; they cannot jump back'),
  }),
  plan({ offset, driftPercent, monotonic }, { victims }): Plan {
    if (offset === 0 && driftPercent === 0)
      throw new UsageError("the fault clock-skew needs an offset such as '30s', a driftPercent, or both");
    if (monotonic && offset < 0)
      throw new UsageError('the fault clock-skew cannot set a monotonic clock back; leave monotonic out, or jump ahead');
    return { nodes: victims.map(({ name }) => name), offsetMs: offset, driftPercent, monotonic };
  },
  actions: (plan, tag) =>
    plan.nodes.flatMap((node) => [
      exclusive(node, tag, 'clock'),
      { do: skew(node, plan), undo: unskew(node), residue: skewResidue(node), healWithinMs: 15_000 },
    ]),
  effect: ({ nodes, offsetMs, driftPercent }, _tag, { read, sinceEpochMs }) =>
    everywhere(nodes, async (node) => {
      const machineMs = async (): Promise<number> =>
        Number((await read(toolbox(node, "python3 -c 'import time; print(time.time_ns() // 1000000)'"))).output);
      const before = await machineMs();
      const { output } = await read(engine(node, '$CLI TIME'));
      const after = await machineMs();
      const [seconds = Number.NaN, micros = Number.NaN] = output.split('\n').map(Number);
      const skewMs = Math.round(seconds * 1_000 + micros / 1_000 - (before + after) / 2);
      const unsureMs = (after - before) / 2 + noticeableMs;
      const expectedMs = offsetMs + ((Date.now() - sinceEpochMs) * driftPercent) / 100;
      if (!(Math.abs(skewMs) > unsureMs))
        return misses(`the engine of ${node} tells the time of the machine within ${unsureMs} ms: ${output}`);
      if (Math.abs(skewMs - expectedMs) > unsureMs + Math.abs(expectedMs) / 2)
        return misses(`the clock of ${node} is off by ${skewMs} ms, expected ${Math.round(expectedMs)} ms`);
      return bites(`${node}: its clock is off by ${skewMs} ms`);
    }),
});
