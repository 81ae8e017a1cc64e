import * as z from 'zod';
import { engine, files } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { endedForUndo, restartedEvidence, revival } from '../revival.ts';

type Plan = { nodes: string[]; ids: string[]; keepNodesConf: boolean; nodesConf: string };

const aside = (tag: string): string => `/data/.slotquake-aside-${tag}`;
/** Everything in /data but what makes the engine start and what faults have put there. */
const list = (...kept: string[]): string =>
  `find /data -mindepth 1 -maxdepth 1 ! -name redis.conf ! -name tls ! -name '.slotquake*' ${kept.map((name) => `! -name '${name}'`).join(' ')}`;

export default defineFault({
  name: 'restart-empty',
  about: 'a node comes back without its data directory: a lost disk, a volume that was not mounted',
  mechanism: 'SIGKILL, everything in /data but redis.conf is put aside, then a start',
  evidence: 'the new process has another node id, or, where nodes.conf is kept, the same id, and no keys',
  undo: 'SIGKILL, the directory as it was put aside is put back, then a start; what the empty node acknowledged is gone',
  example: '--target "one primary" --keep-nodes-conf yes',
  parameters: z.strictObject({
    keepNodesConf: z
      .boolean()
      .default(false)
      .describe('only the data is lost: the node is the same member, and empty; without it the node is a stranger'),
  }),
  plan: ({ keepNodesConf }, { victims, cluster }): Plan => ({
    nodes: victims.map(({ name }) => name),
    ids: victims.map(({ id }) => id),
    keepNodesConf,
    nodesConf: cluster.settings['cluster-config-file'] ?? 'nodes.conf',
  }),
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'emptied' })),
  actions: ({ nodes, keepNodesConf, nodesConf }, tag) =>
    nodes.flatMap((node) => [
      exclusive(node, tag, 'process'),
      { ...revival(node, tag), do: { run: 'kill', node, signal: 'SIGKILL' } },
      {
        // What is kept is copied aside as well, because the empty node goes on writing it.
        do: files(
          node,
          `mkdir ${aside(tag)} && ${keepNodesConf ? `cp -p /data/${nodesConf} ${aside(tag)} && ` : ''}` +
            `${list(...(keepNodesConf ? [nodesConf] : []))} -exec mv {} ${aside(tag)}/ \\; && : >${aside(tag)}/.slotquake-whole`,
        ),
        // Half put aside, nothing may be removed: what is still in place is no stranger's. Nor may it be overwritten by a copy,
        // which may be half of one.
        undo: files(
          node,
          `[ -d ${aside(tag)} ] || exit 0; ` +
            `if [ -e ${aside(tag)}/.slotquake-whole ]; then ${list()} -exec rm -rf {} + ; rm ${aside(tag)}/.slotquake-whole; ` +
            `elif [ -e /data/${nodesConf} ]; then rm -f ${aside(tag)}/${nodesConf}; fi; ` +
            `find ${aside(tag)} -mindepth 1 -maxdepth 1 -exec mv -f {} /data/ \\; && rmdir ${aside(tag)}`,
        ),
        residue: files(node, `ls -d ${aside(tag)} 2>/dev/null || true`),
      },
      endedForUndo(node),
    ]),
  effect: ({ nodes, ids, keepNodesConf }, _tag, witness) =>
    everywhere(nodes, async (node, index) => {
      const restarted = await restartedEvidence(witness, node);
      if (!restarted.bites) return restarted;
      const { exitCode, output } = await witness.read(engine(node, '$CLI CLUSTER MYID && $CLI DBSIZE && $CLI ROLE'));
      const [id = '', keys = '', role = ''] = output.split('\n').map((line) => line.trim());
      if (exitCode !== 0 || !/^[0-9a-f]{40}$/.test(id)) return misses(`${node} does not answer yet: ${output}`);
      if (keepNodesConf !== (id === ids[index])) return misses(`${node} came back as ${id}, it was ${ids[index]}`);
      // A replica that is still a member gets its data back from its primary at once.
      if (keys !== '0' && !(keepNodesConf && role === 'slave')) return misses(`${node} has ${keys} keys`);
      return bites(
        ...restarted.because,
        keepNodesConf ? `${node}: the same member ${id}, with ${keys} keys` : `${node}: a stranger ${id}, with ${keys} keys`,
      );
    }),
});
