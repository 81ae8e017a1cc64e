import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { certificateFile } from '../cluster/certificates.ts';
import { engine } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { changedSetting } from '../setting.ts';

type Plan = { nodes: string[]; which: 'expired' | 'untrusted' };

/** A link that stands lives on with the certificate that opened it. Replication is cut once; bus links are left to whoever cuts them. */
const cutReplication = `ask CLIENT KILL TYPE master >/dev/null; ask CLIENT KILL TYPE replica >/dev/null; true`;

export default defineFault({
  name: 'wrong-certificate',
  about: 'a node shows a certificate that the others do not accept: new links and new clients are refused, old ones live on',
  mechanism:
    'CONFIG SET tls-cert-file to an expired or an untrusted certificate of the same key, and the replication links cut once; bus links notice when they are opened again',
  evidence: 'a new client that checks certificates is refused',
  undo: 'CONFIG SET with the certificate that was there before, by a client that does not check',
  example: '--target "one replica" --which expired',
  parameters: z.strictObject({
    which: z
      .enum(['expired', 'untrusted'])
      .default('expired')
      .describe("'expired': its time is over; 'untrusted': of an unknown authority"),
  }),
  plan({ which }, { victims, cluster }): Plan {
    if (cluster.settings['tls-cluster'] !== 'yes')
      throw new UsageError('wrong-certificate needs a cluster that uses TLS; say tls: true in the cluster of the experiment');
    if (cluster.engine.kind === 'redis' && Number(cluster.engine.version.split('.')[0]) < 7)
      throw new UsageError(
        `the client of Redis ${cluster.engine.version} cannot leave certificates unchecked, so the fault could not be taken back; use 7.0 or later`,
      );
    return { nodes: victims.map(({ name }) => name), which };
  },
  actions: ({ nodes, which }, tag) =>
    nodes.map((node) => changedSetting(node, tag, 'tls-cert-file', certificateFile(which), cutReplication)),
  effect: ({ nodes }, _tag, { read }) =>
    everywhere(nodes, async (node) => {
      const { output } = await read(engine(node, '$CLI PING 2>&1 | tail -n 1'));
      return /SSL|certificate/i.test(output)
        ? bites(`${node}: a new client says: ${output}`)
        : misses(`${node}: a new client says: ${output || 'nothing'}`);
    }),
});
