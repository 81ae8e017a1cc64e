import { parsePersistenceInfo } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

export default {
  name: 'persistence',
  everyMs: 250,
  essence: ({ loading, snapshotUnderWay, snapshotOk, aofOk }) => [loading, snapshotUnderWay, snapshotOk, aofOk],
  ask: async (client) =>
    parsePersistenceInfo((await Promise.all(['persistence', 'stats'].map((section) => client.info(section)))).join('\r\n')),
} satisfies Probe<'persistence'>;
