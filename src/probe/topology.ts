import { parseClusterNodes } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

/** CLUSTER NODES and not SHARDS: only it shows link states, pending pings, open slots and the flags of PFAIL. */
export default {
  name: 'topology',
  everyMs: 50,
  essence: (view) => view.map(({ pingSentAt: _, pongReceivedAt: __, ...rest }) => rest),
  ask: async (client) => parseClusterNodes(String(await client.call('CLUSTER', 'NODES'))),
} satisfies Probe<'topology'>;
