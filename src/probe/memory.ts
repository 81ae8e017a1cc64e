import { parseMemoryInfo } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

export default {
  name: 'memory',
  everyMs: 250,
  ask: async (client) => parseMemoryInfo((await Promise.all(['memory', 'stats'].map((section) => client.info(section)))).join('\r\n')),
} satisfies Probe<'memory'>;
