import * as z from 'zod';
import { engine } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { ask, changedSetting } from '../setting.ts';

type Plan = { nodes: string[]; which: 'masterauth' | 'requirepass'; password: string };

/** The replication link is cut once, because it would live on with the password that opened it. */
const cutLink = `ask CLIENT KILL TYPE master >/dev/null`;

/** Prints how the node is refused by its primary, and fails when it is not. */
const refusedByPrimary = (password: string): string => `${ask}
info=$(ask INFO replication | tr -d '\\r')
of() { printf '%s\\n' "$info" | sed -n "s/^$1://p"; }
[ "$(of role)" = slave ] || { echo 'it is a primary now: a wrong masterauth shows once it replicates'; exit 1; }
[ "$(of master_link_status)" = down ] || { echo 'its replication link is up'; exit 1; }
reply=$(unset REDISCLI_AUTH; $CLI -h "$(of master_host)" -p "$(of master_port)" AUTH ${password} 2>&1)
[ "$reply" != OK ] || { echo 'its primary takes the password'; exit 1; }
echo "its replication link is down; its primary says: $reply"`;

/** Prints what a new client without a password of ours is told, and fails when it is let in. */
const shutOut = `reply=$($CLI PING 2>&1)
case $reply in *NOAUTH*) echo "a new client is told: $(printf '%s' "$reply" | tail -n 1)" ;; *) echo "a new client is told $reply"; exit 1 ;; esac`;

export default defineFault({
  name: 'wrong-password',
  about: 'a node has a password that nobody else knows: its replication link or its new clients are refused',
  mechanism:
    'CONFIG SET masterauth, and the replication link cut once, for it would live on otherwise; or CONFIG SET requirepass, which open connections survive',
  evidence: 'the link is down and the primary refuses the password, or a new connection is told NOAUTH',
  undo: 'CONFIG SET with the password that was there before, let in by whichever password the node wants',
  example: '--target "one replica" --which masterauth',
  parameters: z.strictObject({
    which: z
      .enum(['masterauth', 'requirepass'])
      .default('masterauth')
      .describe(
        "'masterauth': what a replica shows its primary, seen on a primary only once it is one no longer; 'requirepass': what clients need",
      ),
  }),
  plan: ({ which }, { victims, random }): Plan => ({
    nodes: victims.map(({ name }) => name),
    which,
    password: Array.from({ length: 16 }, () => random.pick([...'abcdefghijkmnpqrstuvwxyz23456789'])).join(''),
  }),
  actions: ({ nodes, which, password }, tag) =>
    nodes.map((node) => changedSetting(node, tag, which, password, which === 'masterauth' ? cutLink : 'true')),
  effect: ({ nodes, which, password }, _tag, { read }) =>
    everywhere(nodes, async (node) => {
      const { exitCode, output } = await read(engine(node, which === 'masterauth' ? refusedByPrimary(password) : shutOut));
      return exitCode === 0 && output !== '' ? bites(`${node}: ${output}`) : misses(`${node}: ${output || 'no answer'}`);
    }),
});
