import * as z from 'zod';
import { toolbox } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { clientPort, whole } from '../parameter.ts';
import { endResidents, residents } from '../resident.ts';

type Plan = { nodes: string[]; connections: number };

const name = (tag: string): string => `slotquake-flood=${tag}=`;

/** Opens them all, or as many as the engine takes within 5 s, and keeps them without a word until it is ended. What our own side lacks is no fault of the engine's. */
const flood = `import errno, os, signal, socket, sys, time
wanted = int(sys.argv[2])
null = os.open(os.devnull, os.O_RDWR)
held = []
until = time.monotonic() + 5
try:
    while len(held) < wanted and time.monotonic() < until:
        held.append(socket.create_connection(("127.0.0.1", ${clientPort}), timeout=2))
except OSError as error:
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL):
        sys.exit("only %d of %d connections can be opened from here (%s); ask for fewer" % (len(held), wanted, error))
    held or sys.exit("no connection could be opened: %s" % error)
if os.fork(): os._exit(0)
os.setsid()
for stream in (0, 1, 2): os.dup2(null, stream)
while True: signal.pause()`;

export default defineFault({
  name: 'connection-flood',
  about: 'idle connections pile up: each takes memory and a place, and once maxclients is reached new clients are refused',
  mechanism: 'a process in the toolbox opens connections to the client port and keeps them without a word',
  evidence: 'that process lives, and connections of its own are established; those that the engine refused are not',
  undo: 'the process is ended, and its connections with it',
  example: '--target "one primary" --connections 500',
  parameters: z.strictObject({
    connections: whole('how many are opened; maxclients of the engine is 10000 unless set', 1, 30_000).default(1_000),
  }),
  plan: (parameters, { victims }): Plan => ({ nodes: victims.map((victim) => victim.name), ...parameters }),
  actions: ({ nodes, connections }, tag) =>
    nodes.map((node) => ({
      do: toolbox(node, `ulimit -S -n "$(ulimit -H -n)"; python3 -c '${flood}' ${name(tag)} ${connections}`),
      undo: toolbox(node, endResidents(name(tag))),
      residue: toolbox(node, `${residents(name(tag))}; true`),
    })),
  effect: ({ nodes, connections }, tag, { read }) =>
    everywhere(nodes, async (node) => {
      // What the engine has refused is closed from its side, and no longer established.
      const { output } = await read(
        toolbox(
          node,
          `process=$(${residents(name(tag))}); [ -n "$process" ] || exit 0; ss -H -t -n -p state established '( dst 127.0.0.1 and dport = ${clientPort} )' | grep -c "pid=$process,"`,
        ),
      );
      const held = Number(output);
      return held > 0
        ? bites(`${node}: ${held} of ${connections} connections are open and idle`)
        : misses(`nobody holds connections to ${node}`);
    }),
});
