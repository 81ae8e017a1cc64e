import { parseClusterInfo } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

export default {
  name: 'cluster-info',
  everyMs: 100,
  // The message counters change all the time and say nothing new.
  essence: ({ state, counters }) => [state, Object.entries(counters).filter(([name]) => !name.includes('_stats_'))],
  ask: async (client) => parseClusterInfo(String(await client.call('CLUSTER', 'INFO'))),
} satisfies Probe<'cluster-info'>;
