import * as z from 'zod';
import { toolbox } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { clientPort, whole } from '../parameter.ts';

type Plan = { nodes: string[]; connections: number };

const name = (tag: string): string => `slotquake-flood=${tag}=`;
/** The brackets keep the pattern from matching the shell that looks for it. */
const processes = (tag: string): string => `grep -lzs '^[s]lotquake-flood=${tag}=$' /proc/[0-9]*/cmdline | cut -d/ -f3`;

/** Opens them all, says how many it got, and keeps them without a word until it is ended. */
const flood = `import os, socket, sys
held = []
try:
    for _ in range(int(sys.argv[2])):
        held.append(socket.create_connection(("127.0.0.1", ${clientPort}), timeout=2))
except OSError as error:
    held or sys.exit("no connection could be opened: %s" % error)
if os.fork(): os._exit(0)
os.setsid()
for stream in (0, 1, 2): os.dup2(os.open(os.devnull, os.O_RDWR), stream)
while True: os.read(os.pipe()[0], 1)`;

export default defineFault({
  name: 'connection-flood',
  about: 'idle connections take all places: new clients are refused, old ones work on',
  mechanism: 'a process in the toolbox opens connections to the client port and keeps them without a word',
  evidence: 'that process lives, and so many connections from its network namespace are established',
  undo: 'the process is ended, and its connections with it',
  example: '--target "one primary" --connections 500',
  parameters: z.strictObject({
    connections: whole('how many are opened; maxclients of the engine is 10000 unless set', 1, 30_000).default(1_000),
  }),
  plan: (parameters, { victims }): Plan => ({ nodes: victims.map((victim) => victim.name), ...parameters }),
  actions: ({ nodes, connections }, tag) =>
    nodes.map((node) => ({
      do: toolbox(node, `ulimit -n 40000 2>/dev/null; python3 -c '${flood}' ${name(tag)} ${connections}`),
      undo: toolbox(node, `for process in $(${processes(tag)}); do kill -9 $process 2>/dev/null; done; true`),
      residue: toolbox(node, `${processes(tag)}; true`),
    })),
  effect: ({ nodes, connections }, tag, { read }) =>
    everywhere(nodes, async (node) => {
      // What the engine has refused is closed from its side, and no longer established.
      const { output } = await read(
        toolbox(
          node,
          `[ -n "$(${processes(tag)})" ] && ss -H -t -n state established '( dst 127.0.0.1 and dport = ${clientPort} )' | wc -l`,
        ),
      );
      const held = Math.min(Number(output), connections);
      return held > 0
        ? bites(`${node}: ${held} of ${connections} connections are open and idle`)
        : misses(`nobody holds connections to ${node}`);
    }),
});
