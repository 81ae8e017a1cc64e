import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { select, targetForms } from '../../src/cluster/select.ts';
import { attempt } from '../damaged.ts';
import { keySlot } from '../../src/cluster/topology.ts';
import { paperCluster } from '../fault/planned.ts';

const cluster = paperCluster();
const names = (target: string, seed = 1, others: readonly string[] = []): string[] =>
  select(
    target,
    cluster,
    cluster.topology,
    seededRandom(seed),
    cluster.nodes.filter(({ name }) => others.includes(name)),
  ).map(({ name }) => name);
const primaries = ['node-1', 'node-2', 'node-3'];
const replicas = ['node-4', 'node-5', 'node-6'];

describe('a target', () => {
  it('is every one of the forms that its error shows', () => {
    for (const form of targetForms) expect(names(form, 3, ['node-1']).length, form).toBeGreaterThan(0);
  });
  it('picks by role, and the same for the same seed', () => {
    for (let seed = 0; seed < 30; seed++) {
      expect(primaries).toContain(names('one primary', seed)[0]);
      expect(replicas).toContain(names('a replica', seed)[0]);
      expect(names('two nodes', seed)).toEqual(names('two nodes', seed));
    }
    expect(new Set(Array.from({ length: 30 }, (_, seed) => names('one primary', seed)[0])).size).toBe(3);
  });
  it('counts', () => {
    expect(names('all primaries')).toEqual(primaries);
    expect(names('2 replicas')).toHaveLength(2);
    expect(names('a minority of primaries')).toHaveLength(1);
    expect(names('a majority of primaries')).toHaveLength(2);
    expect(names('half the nodes')).toHaveLength(3);
    expect(names('everyone')).toHaveLength(6);
  });
  it('follows from one node to another', () => {
    expect(names('node-2 and its replica')).toEqual(['node-2', 'node-5']);
    expect(names('node-5, its primary')).toEqual(['node-5', 'node-2']);
    expect(names('the primary of slot 0')).toEqual(['node-1']);
    expect(names('a replica of slot 16383')).toEqual(['node-6']);
    expect(names('the primary of key user:1')).toEqual(names(`the primary of slot ${keySlot('user:1')}`));
    expect(names('the primary of node-4')).toEqual(['node-1']);
    expect(names('node-1, everyone else')).toHaveLength(6);
    expect(names('everyone else', 1, ['node-1', 'node-4'])).toEqual(['node-2', 'node-3', 'node-5', 'node-6']);
    expect(names('all nodes except node-3')).toEqual(['node-1', 'node-2', 'node-4', 'node-5', 'node-6']);
    expect(names('all replicas except a replica of node-1')).toEqual(['node-5', 'node-6']);
  });
  it('reads roles where they are now', () => {
    const moved = cluster.topology.map((line, index) =>
      index === 3
        ? { ...line, flags: ['master'], slots: cluster.topology[0]?.slots ?? [], primary: null }
        : index === 0
          ? { ...line, flags: ['slave'], slots: [], primary: cluster.topology[3]?.id ?? null }
          : line,
    );
    expect(select('the primary of slot 0', cluster, moved, seededRandom(1)).map(({ name }) => name)).toEqual(['node-4']);
    expect(select('all primaries', cluster, moved, seededRandom(1)).map(({ name }) => name)).toEqual(['node-2', 'node-3', 'node-4']);
  });
  it('that cannot be met says what it wants and what there is', () => {
    expect(() => names('four primaries')).toThrow(/wants four primaries, but the cluster has 3/);
    expect(() => names('its replica')).toThrow(/before it names a node/);
    expect(() => names('the primary of slot 20000')).toThrow(/0 to 16383/);
    expect(() => names('all nodes except everyone')).toThrow(UsageError);
    expect(() => names('the prymary')).toThrow(/expected a target such as/);
    expect(() => names('')).toThrow(UsageError);
  });
  it('never fails but in words, whatever it says', () => {
    const word = fc.constantFrom(
      'one',
      'all',
      'two',
      'primary',
      'replicas',
      'nodes',
      'of',
      'slot',
      'key',
      '7',
      'its',
      'everyone',
      'else',
      'except',
      ',',
      'and',
      'node-1',
      'x',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 8 }).map((words) => words.join(' ')),
        ),
        (target) => {
          const chosen = attempt(() => names(target));
          const sound =
            chosen instanceof Error ? chosen instanceof UsageError : chosen.length > 0 && new Set(chosen).size === chosen.length;
          expect(sound, String(chosen)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
