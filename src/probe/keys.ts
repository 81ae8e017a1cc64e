import type { Probe } from '../probe.ts';

export default {
  name: 'keys',
  everyMs: 1_000,
  ask: async (client) => ({ count: await client.dbsize() }),
} satisfies Probe<'keys'>;
