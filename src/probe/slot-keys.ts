import { parseSlotKeys } from '../cluster/topology.ts';
import type { Probe } from '../probe.ts';
import { slotCount } from '../timeline/claims.ts';

/** So many slots at a time cost the engine about a millisecond. */
const step = 1_024;
const script = `local found = {}
for slot = tonumber(ARGV[1]), ARGV[1] + ARGV[2] - 1 do
  local keys = redis.call('CLUSTER', 'COUNTKEYSINSLOT', slot)
  if keys > 0 then found[#found + 1] = slot; found[#found + 1] = keys end
end
return found`;

export default {
  name: 'slot-keys',
  everyMs: null,
  async ask(client) {
    const counts: (readonly [number, number])[] = [];
    for (let first = 0; first < slotCount; first += step) counts.push(...parseSlotKeys(await client.call('EVAL', script, 0, first, step)));
    return { counts };
  },
} satisfies Probe<'slot-keys'>;
