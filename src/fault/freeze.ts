import * as z from 'zod';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';

type Plan = { nodes: string[] };

export default defineFault({
  name: 'freeze',
  about: 'the engine process stops while its container looks healthy: a debugger, a stuck host, a mistaken kill -STOP',
  mechanism: 'SIGSTOP to the engine process; the kernel goes on accepting connections and data for it',
  evidence: 'the process is in state T while the container runs, and PINGs go unanswered',
  undo: 'SIGCONT; no process of the container is in state T',
  example: '--target "one primary"',
  parameters: z.strictObject({}),
  plan: (_parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name) }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'frozen' })),
  actions: ({ nodes }, tag) =>
    nodes.flatMap((node) => [
      // The same as of a pause: an engine that is stopped and paused can neither be seen nor woken.
      exclusive(node, tag, 'freezer'),
      {
        do: { run: 'kill', node, signal: 'SIGSTOP' },
        undo: { run: 'kill', node, signal: 'SIGCONT' },
        residue: { run: 'expect', node, state: { stopped: false } },
      },
    ]),
  effect: ({ nodes }, _tag, witness) =>
    everywhere(nodes, async (node) => {
      const { status, stopped } = await witness.state(node);
      if (status !== 'running' || !stopped) return misses(`the engine process of ${node} is not stopped; the container is ${status}`);
      const silentMs = witness.silentMs(node);
      if (silentMs === 0) return misses(`no PING of ${node} went unanswered yet`);
      return bites(`${node}: stopped by a signal, no PING answered for ${Math.round(silentMs)} ms`);
    }),
});
