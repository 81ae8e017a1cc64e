import * as z from 'zod';
import { exclusive } from '../exclusive.ts';
import { defineFault, everywhere } from '../fault.ts';
import { restartedEvidence, revival } from '../revival.ts';

type Plan = { nodes: string[] };

export default defineFault({
  name: 'restart',
  about: 'the engine is restarted the orderly way, as an operator or an update does',
  mechanism: 'SIGTERM, up to 10 s to end, SIGKILL after that, then a start; what the settings do not persist is gone',
  evidence: 'the engine process was started after the fault began',
  undo: 'nothing is left to undo but to see that the engine runs',
  example: '--target "one replica"',
  parameters: z.strictObject({}),
  plan: (_parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name) }),
  // From 7.0 on a primary waits for its replicas before it ends; an older one, or one that waits in vain, loses its tail.
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'crashed' })),
  actions: ({ nodes }, tag) =>
    nodes.flatMap((node) => [exclusive(node, tag, 'process'), { ...revival(node, tag), do: { run: 'restart', node } as const }]),
  effect: ({ nodes }, _tag, witness) => everywhere(nodes, (node) => restartedEvidence(witness, node)),
});
