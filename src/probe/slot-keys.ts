import { parseSlotKeys } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';

/** One question instead of 16384: some 15 ms of the engine's time, for which a node at rest has room. */
const script = `local found = {}
for slot = 0, 16383 do
  local keys = redis.call('CLUSTER', 'COUNTKEYSINSLOT', slot)
  if keys > 0 then found[#found + 1] = slot; found[#found + 1] = keys end
end
return found`;

export default {
  name: 'slot-keys',
  everyMs: null,
  ask: async (client) => ({ counts: parseSlotKeys(await client.call('EVAL', script, 0)) }),
} satisfies Probe<'slot-keys'>;
