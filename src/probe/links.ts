import { parseClusterLinks } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

export default {
  name: 'links',
  everyMs: 1_000,
  suits: ({ kind, version }) => kind === 'valkey' || Number(version.split('.')[0]) >= 7,
  ask: async (client) => parseClusterLinks(await client.call('CLUSTER', 'LINKS')),
} satisfies Probe<'links'>;
