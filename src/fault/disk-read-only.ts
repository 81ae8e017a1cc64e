import * as z from 'zod';
import { type Command, engine } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { revival, whileAlive } from '../revival.ts';

type Plan = { nodes: string[] };

const surgeon = (node: string, script: string): Command => ({ run: 'surgeon', node, script });

/** Mounts on /data that lie on another mount on /data, by the kernel's own list: only a fault of this kind makes these. */
const ours = `awk '$5 == "/data" { if ($2 in data) print; data[$1] }' /proc/1/mountinfo`;

export default defineFault({
  name: 'disk-read-only',
  about: 'the disk of a node turns read-only, as a file system does after an error: nothing can be created or renamed',
  mechanism:
    "a read-only bind mount over /data in the engine's mount namespace; files that are open for writing stay writable, such as a running AOF",
  evidence: "a file cannot be created in /data from the engine's container: read-only file system",
  undo: 'our mount is taken off, and the engine is started if it has exited; a restart of the engine alone ends it too',
  example: '--target "one primary"',
  parameters: z.strictObject({}),
  plan: (_parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name) }),
  actions: ({ nodes }, tag) =>
    nodes.flatMap((node) => [
      exclusive(node, tag, 'data mount'),
      revival(node, tag),
      {
        do: surgeon(node, `nsenter -t 1 -m sh -c 'mount --bind /data /data && mount -o remount,bind,ro /data'`),
        // Whatever has opened something on it meanwhile may keep that, writable again.
        undo: whileAlive(
          surgeon(
            node,
            `while [ -n "$(${ours})" ]; do nsenter -t 1 -m sh -c 'mount -o remount,bind,rw /data; umount -l /data' || exit 1; done`,
          ),
        ),
        residue: whileAlive(surgeon(node, ours)),
        // Two more containers come and go for it.
        healWithinMs: 15_000,
      },
    ]),
  effect: ({ nodes }, tag, { read }) =>
    everywhere(nodes, async (node) => {
      const probe = `/data/.slotquake-probe-${tag}`;
      const { output } = await read(engine(node, `( : >${probe} ) 2>&1 && rm -f ${probe} && echo created`));
      if (!/read-only/i.test(output)) return misses(`a file can be created in /data of ${node}: ${output}`);
      return bites(`${node}: a file cannot be created in /data: read-only file system`);
    }),
});
