import { describe, expect, it } from 'vitest';
import { type Candidate, choose, rotated } from './draw/choose.ts';
import { withImports } from './draw/imports.ts';
import { keyOf, parts } from './draw/parts.ts';

const kinds = (count: number, of: (index: number) => Partial<Candidate> = () => ({})): Candidate[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}`, age: 3, touched: false, seconds: 10, ...of(index) }));
const drawn = (candidates: readonly Candidate[], wish: Partial<Parameters<typeof choose>[1]> = {}): string[] =>
  [...choose([candidates], { share: 0.3, touchedSeconds: 0, seed: 0, ...wish })].toSorted();

describe('a draw', () => {
  it('takes the share, the same for the same seed, and everything within few consecutive seeds', () => {
    const seeds = [7, 8, 9, 10].map((seed) => drawn(kinds(10), { seed }));
    for (const each of seeds) expect(each).toHaveLength(3);
    expect(drawn(kinds(10), { seed: 7 })).toEqual(seeds[0]);
    expect(new Set(seeds.flat())).toEqual(new Set(kinds(10).map(({ key }) => key)));
  });

  it('takes at least one of each part, and begins at different ones', () => {
    const both = choose([kinds(4), kinds(4).map((each) => ({ ...each, key: `other/${each.key}` }))], {
      share: 0.01,
      touchedSeconds: 0,
      seed: 0,
    });
    expect([...both]).toEqual(['k0', 'other/k1']);
  });

  it('takes the oldest first, of whatever seed, and what nobody knows before all', () => {
    const aged = kinds(10, (index) => ({ age: index === 4 ? Number.POSITIVE_INFINITY : index === 8 ? 50 : index === 1 ? 9 : 3 }));
    for (const seed of [0, 1, 2, 3]) expect(drawn(aged, { seed })).toEqual(['k1', 'k4', 'k8']);
  });

  it('takes what was touched beside the share', () => {
    const touched = kinds(10, (index) => ({ touched: [2, 5].includes(index) }));
    for (const seed of [0, 1, 2, 3]) {
      const keys = drawn(touched, { seed, touchedSeconds: 20 });
      expect(keys).toHaveLength(5);
      expect(keys).toEqual(expect.arrayContaining(['k2', 'k5']));
    }
  });

  it('takes what was touched as far as there is time', () => {
    const touched = kinds(10, (index) => ({ touched: index < 5 }));
    expect(drawn(touched)).toEqual(['k5', 'k6', 'k7']);
    expect(drawn(touched, { touchedSeconds: 25 })).toEqual(['k0', 'k1', 'k5', 'k6', 'k7']);
    expect(drawn(touched, { touchedSeconds: 1_000 })).toHaveLength(8);
  });
  it('takes the share, the oldest first, where most were touched', () => {
    const touched = kinds(10, (index) => ({ touched: index < 6, age: index === 1 ? 9 : 3 }));
    const keys = drawn(touched, { touchedSeconds: 1_000 });
    expect(keys).toHaveLength(3);
    expect(keys).toContain('k1');
  });

  it('turns round', () => expect(rotated(['a', 'b', 'c', 'd', 'e'], 0.4, 2)).toEqual(['e', 'a', 'b', 'c', 'd']));
});

describe('what a kind is made of', () => {
  const files: Readonly<Record<string, string>> = {
    'src/fault/a.ts': "import type { T } from '../types.ts';\nimport { x } from '../support.ts';\nimport {\n  y,\n} from './b.ts';\n",
    'src/support.ts': "export * from './deep.ts';\nimport './effect.ts';\nconst late = await import('./late.ts');",
    'src/fault/b.ts': "import { x } from './a.ts';\nimport ioredis from 'ioredis';",
    'src/deep.ts': '',
  };
  it('is its file with all that it imports, but for types', () => {
    const found = withImports(['src/fault/a.ts'], (file) => {
      const text = files[file];
      if (text === undefined) throw new Error('no such file');
      return text;
    });
    expect([...found].toSorted()).toEqual([
      'src/deep.ts',
      'src/effect.ts',
      'src/fault/a.ts',
      'src/fault/b.ts',
      'src/late.ts',
      'src/support.ts',
    ]);
  });
});

describe('the parts of the tests', () => {
  it('have a name each, and every file with real containers is in one', () => {
    const names = parts.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const keys = parts.flatMap((part) => part.kinds.map((kind) => keyOf(part, kind)));
    expect(new Set(keys).size).toBe(keys.length);
    expect(names).toEqual(expect.arrayContaining(['unit', 'kill', 'contract', 'cut-off', 'engines', 'catalogue', 'run', 'netem']));
    expect(keys).toContain('kill/block-bus');
  });
});
