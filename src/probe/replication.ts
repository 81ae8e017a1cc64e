import { parseReplicationInfo } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

export default {
  name: 'replication',
  everyMs: 100,
  ask: async (client) => {
    // One section a command: INFO takes several only from 7.0 on.
    const sections = await Promise.all(['server', 'replication', 'stats'].map((section) => client.info(section)));
    return parseReplicationInfo(sections.join('\r\n'));
  },
} satisfies Probe<'replication'>;
