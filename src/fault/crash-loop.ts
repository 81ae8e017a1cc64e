import * as z from 'zod';
import { files } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { nothing, revival } from '../revival.ts';

type Plan = { nodes: string[] };

const mark = (tag: string): string => `slotquake-no-such-directive-${tag}`;

export default defineFault({
  name: 'crash-loop',
  about: 'the engine dies at every start and is started again and again: a bad setting, a wrong version',
  mechanism:
    'a directive that no engine knows is added to redis.conf, and the restart policy becomes always; the pause between two starts doubles from 100 ms to 1 min',
  evidence: 'the container engine says restarting, or counts restarts, and PINGs go unanswered',
  undo: 'restart policy no, the directive is taken out of redis.conf, and the engine is started',
  example: '--target "one replica"',
  parameters: z.strictObject({}),
  plan: (_parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name) }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'crashed' })),
  actions: ({ nodes }, tag) =>
    nodes.flatMap((node) => [
      exclusive(node, tag, 'process'),
      revival(node, tag),
      {
        do: files(node, `printf '%s yes\\n' ${mark(tag)} >>/data/redis.conf`),
        // The line is gone for good before the file takes the old one's place, and the mode and owner stay. One that was cut
        // off has left the new file.
        undo: files(node, `rm -f /data/sed??????; sed -i '/^${mark(tag)} /d' /data/redis.conf`),
        residue: files(node, `grep ${mark(tag)} /data/redis.conf || [ $? = 1 ]`),
      },
      {
        do: { run: 'restart-policy', node, policy: 'always' },
        // One that waits for its next start counts as running, and would be started once more.
        undo: {
          run: 'sequence',
          node,
          commands: [
            { run: 'restart-policy', node, policy: 'no' },
            {
              run: 'if',
              node,
              condition: files(node, `grep -q ${mark(tag)} /data/redis.conf`),
              deed: { run: 'stop', node, graceSeconds: 0 },
            },
          ],
        },
        residue: { run: 'expect', node, state: { policy: 'no' } },
      },
      { do: { run: 'kill', node, signal: 'SIGKILL' }, undo: nothing(node), residue: nothing(node) },
      { do: { run: 'start', node }, undo: nothing(node), residue: nothing(node) },
    ]),
  effect: ({ nodes }, _tag, witness) =>
    everywhere(nodes, async (node) => {
      const { restarts, status, exitCode } = await witness.state(node);
      if (restarts < 2) return misses(`${node} is ${status} and was restarted ${restarts} times`);
      const silentMs = witness.silentMs(node);
      if (silentMs === 0) return misses(`no PING of ${node} went unanswered yet`);
      return bites(`${node}: exit ${exitCode}, restarted ${restarts} times, no PING answered for ${Math.round(silentMs)} ms`);
    }),
});
