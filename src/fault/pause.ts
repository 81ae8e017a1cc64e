import * as z from 'zod';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';

type Plan = { nodes: string[] };

export default defineFault({
  name: 'pause',
  about: 'a node stands still and comes back as if nothing had been: a host that is suspended or starved',
  mechanism: 'the freezer stops every process of the container; the kernel goes on accepting connections and data for it',
  evidence: 'the container engine says paused, and PINGs go unanswered',
  undo: 'the container is unpaused',
  example: '--target "one primary"',
  parameters: z.strictObject({}),
  plan: (_parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name) }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'frozen' })),
  actions: ({ nodes }, tag) =>
    nodes.flatMap((node) => [
      exclusive(node, tag, 'freezer'),
      {
        do: { run: 'pause', node },
        undo: { run: 'unpause', node },
        residue: { run: 'expect', node, state: { status: ['running', 'exited'] } },
      },
    ]),
  effect: ({ nodes }, _tag, witness) =>
    everywhere(nodes, async (node) => {
      const { status } = await witness.state(node);
      if (status !== 'paused') return misses(`the container of ${node} is ${status}`);
      const silentMs = witness.silentMs(node);
      if (silentMs === 0) return misses(`no PING of ${node} went unanswered yet`);
      return bites(`${node}: paused, no PING answered for ${Math.round(silentMs)} ms`);
    }),
});
