import type { Probe } from '../probe.ts';

export default {
  name: 'ping',
  everyMs: 100,
  ask: async (client) => {
    const sentAt = performance.now();
    await client.ping();
    return { roundTripMs: Math.round((performance.now() - sentAt) * 1_000) / 1_000 };
  },
} satisfies Probe<'ping'>;
