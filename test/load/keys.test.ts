import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { keySlot } from '../../src/cluster/topology.ts';
import { choosers, type Key, keysOf } from '../../src/load/keys.ts';
import { distributions } from '../../src/workload.ts';
import { fakeCluster } from './server.ts';

const cluster = fakeCluster();
/** Which of the three shards serves the key. */
const shardOf = ({ slot }: Key): number =>
  cluster.nodes.findIndex(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last));

function counted<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** What clients choose, one after the other. */
const chosen = (keys: readonly Key[], distribution: (typeof distributions)[number], draws: number, client = 0, seed = 1): Key[] => {
  const choose = choosers(keys, distribution, 3)(client, seededRandom(seed));
  return Array.from({ length: draws }, choose);
};

describe('the keys of a workload', () => {
  it.each(distributions)(
    'of distribution %s are different, in their slots, with a hash tag of their own, the same every time',
    (distribution) => {
      const keys = keysOf(cluster, 'registers', 100, distribution);
      expect(new Set(keys.map(({ name }) => name)).size).toBe(100);
      for (const { name, slot } of keys) {
        expect(name).toMatch(/^registers:\{\d+\}$/);
        expect([keySlot(name), keySlot(`${name}:beside`)]).toEqual([slot, slot]);
      }
      expect(keysOf(cluster, 'registers', 100, distribution)).toEqual(keys);
    },
  );
  it.each(['even', 'zipf', 'sharded'] as const)('are as many in each shard when they are %s', (distribution) => {
    const counts = counted(keysOf(cluster, 'registers', 100, distribution).map(shardOf));
    expect([0, 1, 2].map((shard) => counts.get(shard))).toEqual([34, 33, 33]);
  });
  it('are where chance puts them when they are uniform', () => {
    const keys = keysOf(cluster, 'registers', 100, 'uniform');
    expect(keys.map(({ name }) => name)).toEqual(Array.from({ length: 100 }, (_, n) => `registers:{${n}}`));
  });
});

describe('choosing', () => {
  const keys = keysOf(cluster, 'registers', 99, 'even');
  it.each(distributions)('is the same for the same seed, and another for another: %s', (distribution) => {
    expect(chosen(keys, distribution, 200)).toEqual(chosen(keys, distribution, 200));
    expect(chosen(keys, distribution, 200)).not.toEqual(chosen(keys, distribution, 200, 0, 2));
  });
  it.each(['even', 'uniform'] as const)('reaches every key about as often when it is %s', (distribution) => {
    const counts = counted(chosen(keys, distribution, 99_000));
    expect(counts.size).toBe(99);
    // 1,000 expected, with a standard deviation of 31.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(190);
  });
  it('by zipf takes the first key for a fifth of the draws, and the n-th about n times less often', () => {
    const counts = counted(chosen(keys, 'zipf', 100_000).map((key) => keys.indexOf(key)));
    const weights = keys.map((_, index) => 1 / (index + 1) ** 0.99);
    const sum = weights.reduce((a, b) => a + b);
    for (const [index, weight] of weights.entries()) {
      const expected = (100_000 * weight) / sum;
      expect(Math.abs((counts.get(index) ?? 0) - expected), `key ${index}`).toBeLessThan(6 * Math.sqrt(expected));
    }
    expect(counts.get(0)).toBeGreaterThan(18_000);
  });
  it('is for each client in one shard when it is sharded, and all shards have clients', () => {
    const shards = Array.from({ length: 6 }, (_, client) => new Set(chosen(keys, 'sharded', 300, client).map(shardOf)));
    expect(shards.map((set) => [...set])).toEqual([[0], [1], [2], [0], [1], [2]]);
    expect(new Set(chosen(keys, 'sharded', 2_000, 1)).size).toBe(33);
  });
  it('finds keys for every client where there are fewer keys than shards', () => {
    const [only] = keysOf(cluster, 'registers', 1, 'sharded') as [Key];
    for (const client of [0, 1, 2]) expect(chosen([only], 'sharded', 3, client)).toEqual([only, only, only]);
  });
});
