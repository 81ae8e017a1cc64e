import * as z from 'zod';
import { type Command, toolbox } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { type Action, bites, defineFault, everywhere, misses } from '../fault.ts';
import { restartedEvidence, revival } from '../revival.ts';

type Plan = { nodes: string[]; signal: string; restart: 'at-once' | 'on-heal' };

const crashes = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL'] as const;
/** Those that an engine handles by ending. */
const signals = ['SIGKILL', 'SIGTERM', 'SIGINT', ...crashes] as const;

/** From 7.0 on an engine that is asked to end waits for its replicas, by default up to 10 s. */
const orderly: readonly string[] = ['SIGTERM', 'SIGINT'];

/**
 * An engine that crashes writes its report and then ends itself by the same signal; the first process of a container
 * survives that, so it is helped.
 */
function ending(node: string, signal: string): Command {
  if (!(crashes as readonly string[]).includes(signal))
    return { run: 'kill', node, signal, ...(orderly.includes(signal) ? { waitMs: 12_000 } : {}) };
  return {
    run: 'sequence',
    node,
    commands: [
      { run: 'kill', node, signal, waitMs: 500 },
      { run: 'kill', node, signal: 'SIGKILL' },
    ],
  };
}

/**
 * An engine that was asked to end may be about to when its killer is gone: a mark stands as long as the asking lasts, and
 * tells the way back to wait for the end before it starts the engine.
 */
function asked(node: string, tag: string, signal: string): Action {
  const { undo, residue } = revival(node, tag);
  const mark = `/tmp/slotquake-asked-to-end-${tag}`;
  const unmark = toolbox(node, `rm -f ${mark}`);
  const sequence = (...commands: Command[]): Command => ({ run: 'sequence', node, commands });
  return {
    do: sequence(toolbox(node, `: >${mark}`), ending(node, signal), unmark),
    undo: sequence(
      { run: 'if', node, condition: toolbox(node, `[ -e ${mark} ]`), deed: sequence({ run: 'stop', node, graceSeconds: 13 }, unmark) },
      undo,
    ),
    residue: sequence(toolbox(node, `ls ${mark} 2>/dev/null || true`), residue),
    healWithinMs: 16_000,
  };
}

export default defineFault({
  name: 'kill',
  about: 'the engine process ends: a crash, a killed container, a bad day of the host',
  mechanism: 'the container engine sends the signal to the engine process; address, rules and data directory stay',
  evidence: 'the container has exited and PINGs go unanswered, or, where it is started at once, another process runs',
  undo: 'the engine is started with the data that it left',
  example: '--target "one primary" --signal SIGKILL --restart on-heal',
  parameters: z.strictObject({
    signal: z
      .enum(signals)
      .default('SIGKILL')
      .describe('which signal; SIGSEGV and the like leave a crash report in the log, and SIGKILL follows after 500 ms'),
    restart: z.enum(['on-heal', 'at-once']).default('on-heal').describe('when the engine is started again'),
  }),
  plan: (parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), ...parameters }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'crashed' })),
  actions: ({ nodes, signal, restart }, tag) =>
    nodes.flatMap((node) => {
      const revived = revival(node, tag);
      return [
        exclusive(node, tag, 'process'),
        orderly.includes(signal) ? asked(node, tag, signal) : { ...revived, do: ending(node, signal) },
        ...(restart === 'at-once' ? [{ ...revived, do: { run: 'start', node } as const }] : []),
      ];
    }),
  effect: ({ nodes, restart }, _tag, witness) =>
    everywhere(nodes, async (node) => {
      if (restart === 'at-once') return restartedEvidence(witness, node);
      const { status, exitCode } = await witness.state(node);
      if (status !== 'exited') return misses(`the engine of ${node} is ${status}`);
      const silentMs = witness.silentMs(node);
      if (silentMs === 0) return misses(`no PING of ${node} went unanswered yet`);
      return bites(`${node}: exited with ${exitCode}, no PING answered for ${Math.round(silentMs)} ms`);
    }),
});
