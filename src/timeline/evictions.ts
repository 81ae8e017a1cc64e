import type { Timeline } from './timeline.ts';

/** Keys that nodes threw out since the run was steady, to stay below maxmemory. */
export interface Evictions {
  readonly keys: number;
  /** `node-1 evicted 120 keys (maxmemory-policy allkeys-lru)`, for each that did. */
  readonly said: readonly string[];
}

/** By INFO's own counter, which begins again with each process. */
export function evictions(timeline: Timeline): Evictions {
  const steadyAtMs = timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY;
  const policy = timeline.run.settings['maxmemory-policy'] ?? 'noeviction';
  const found = timeline.run.nodes.flatMap(({ name }) => {
    const counts = timeline.seen('memory', { node: name, fromMs: steadyAtMs });
    let keys = 0;
    for (const [index, { value }] of counts.entries()) {
      const before = counts[index - 1]?.value.evictedKeys ?? value.evictedKeys;
      keys += value.evictedKeys >= before ? value.evictedKeys - before : value.evictedKeys;
    }
    return keys > 0 ? [{ name, keys }] : [];
  });
  return {
    keys: found.reduce((sum, { keys }) => sum + keys, 0),
    said: found.map(({ name, keys }) => `${name} evicted ${keys} keys (maxmemory-policy ${policy})`),
  };
}
