import type { Random } from '../base/random.ts';
import type { Cluster } from '../cluster.ts';
import { keySlot } from '../cluster/topology.ts';
import type { Distribution } from '../workload.ts';

export interface Key {
  readonly name: string;
  readonly slot: number;
}

/** The exponent of YCSB's zipfian generator: with 100 keys the first gets about a fifth of all operations. */
const zipfExponent = 0.99;

/**
 * The keys of a workload, the same every time. They carry a hash tag, so that what belongs to a key can stand beside it.
 * All but 'uniform' have as many keys in each shard.
 */
export function keysOf(cluster: Cluster, prefix: string, count: number, distribution: Distribution): readonly Key[] {
  const shards = cluster.nodes.filter(({ formedAs }) => formedAs === 'primary').map(({ slots }) => slots);
  const keys: Key[] = [];
  for (let n = 0; keys.length < count; n++) {
    const name = `${prefix}:{${n}}`;
    const slot = keySlot(name);
    const wanted = shards[keys.length % shards.length];
    if (distribution === 'uniform' || wanted?.some(([first, last]) => first <= slot && slot <= last)) keys.push({ name, slot });
  }
  return keys;
}

/** Makes what chooses the next key of one client. What all clients share is made once. */
export function choosers(keys: readonly Key[], distribution: Distribution, shards: number): (client: number, random: Random) => () => Key {
  switch (distribution) {
    case 'even':
    case 'uniform':
      return (_, random) => () => random.pick(keys);
    case 'sharded': {
      const parts = Array.from({ length: shards }, (_, shard) => keys.filter((__, index) => index % shards === shard));
      return (client, random) => {
        const mine = parts[client % shards] ?? [];
        return () => random.pick(mine.length > 0 ? mine : keys);
      };
    }
    case 'zipf': {
      let sum = 0;
      const cumulative = Float64Array.from(keys, (_, index) => (sum += 1 / (index + 1) ** zipfExponent));
      return (_, random) => () => {
        const drawn = (random.integer(0, 0x7fffffff) / 0x80000000) * sum;
        let [low, high] = [0, keys.length - 1];
        while (low < high) {
          const middle = (low + high) >> 1;
          if ((cumulative[middle] as number) > drawn) high = middle;
          else low = middle + 1;
        }
        return keys[low] as Key;
      };
    }
  }
}
