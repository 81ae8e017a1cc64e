import { readFileSync } from 'node:fs';
import path from 'node:path';
import registers from '../../src/workload/registers.ts';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { nearest } from '../../src/base/nearest.ts';
import { loadExperiment, validate } from '../../src/cli/load.ts';
import blockBus from '../../src/fault/block-bus.ts';

const good = { name: 'mine', hypothesis: 'It holds.', variants: { cured: {} }, disturb: async () => {} };
const workload = registers();
const invariant = { name: 'mine', claim: 'It holds.', check: () => ({ outcome: 'held', because: 'it does' }) };

const failure = { level: 'easy', symptom: 's', cause: 'c', setting: 's', remedy: 'r' };
const wrong: readonly (readonly [value: unknown, says: string])[] = [
  [
    { ...good, failure: { ...failure, audit: { scale: {}, lines: [], symptoms: ['state-okk'] } } },
    'expected failure.audit.symptoms to name invariants of the experiment, got state-okk (did you mean state-ok?)',
  ],
  [5, 'expected the default export to be an object with name, '],
  [null, ', got null'],
  [
    { ...good, name: '../up' },
    "expected name to be a name of letters, digits, '-', '_' and '.', such as 'bus-port-blocked', got \"../up\"",
  ],
  [{ ...good, hypothesis: 5 }, 'expected hypothesis to be a string, got 5'],
  [{ ...good, hypothesis: undefined }, 'expected hypothesis to be a string, got nothing'],
  [{ ...good, disturb: 'x' }, 'expected disturb to be a function, got "x"'],
  [{ ...good, settelWithin: '1s' }, 'the default export has the unknown field settelWithin (did you mean settleWithin?)'],
  [{ ...good, settleWithin: '5 parsecs' }, "expected settleWithin to be a duration such as '250ms', '30s' or '2m', got \"5 parsecs\""],
  [{ ...good, steadyFor: 5 }, 'expected steadyFor to be a duration'],
  [{ ...good, cluster: { primaris: 3 } }, 'cluster has the unknown field primaris (did you mean primaries?)'],
  [{ ...good, cluster: { primaries: 2.5 } }, 'expected cluster.primaries to be a whole number from 1 to 100, got 2.5'],
  [{ ...good, cluster: { formation: 'met' } }, "expected cluster.formation to be 'written' or 'meet', got \"met\""],
  [{ ...good, cluster: { config: { save: true } } }, 'expected cluster.config.save to be a number, a string of one line'],
  [{ ...good, cluster: { config: { save: '""\nport 1' } } }, 'expected cluster.config.save to be a number, a string of one line'],
  [{ ...good, cluster: { config: { 'no good': 1 } } }, 'expected cluster.config.no good to be named as a directive'],
  [
    { ...good, workload: { ...workload, rate: 'fast' } },
    'expected workload.rate to be a number from 0.1 to 1000000 or \'closed\', got "fast"',
  ],
  [{ ...good, workload: { ...workload, readShare: 2 } }, 'expected workload.readShare to be a number from 0 to 1, got 2'],
  [{ ...good, workload: { rate: 10 } }, 'expected workload.kind to be a string, got nothing; 14 more fields are wrong'],
  [{ ...good, invariants: [] }, 'expected invariants to be a list with at least one invariant'],
  [{ ...good, invariants: [{ ...invariant, check: 5 }] }, 'expected invariants.0.check to be a function, got 5'],
  [{ ...good, invariants: [invariant, invariant] }, 'a list of invariants with different names'],
  [{ ...good, variants: {} }, 'expected variants to be an object with at least one variant'],
  [{ ...good, variants: { 'a/b': {} } }, 'expected variants.a/b to be called by a name of letters'],
  [{ ...good, variants: { cured: { expects: {} } } }, 'variants.cured has the unknown field expects (did you mean expect?)'],
  [
    { ...good, variants: { cured: { expect: { 'state-ok': 'held' } } } },
    "expected variants.cured.expect to be an object such as { 'state-ok': 'violated' }, or a function from the engine to one",
  ],
  [{ ...good, variants: { cured: { expect: { 'state-okk': 'violated' } } } }, 'got state-okk (did you mean state-ok?)'],
];

describe('an experiment', () => {
  it('is accepted as it is, methods and all', async () => {
    for (const fine of [good, { ...good, workload, invariants: [invariant], cluster: { config: { save: '', hz: 10 } } }])
      expect(await validate(fine, 'mine.ts')).toBe(fine);
  });
  for (const [value, says] of wrong)
    it(`is refused in one sentence: ${says.slice(0, 70)}`, async () => {
      const error = await validate(value, 'mine.ts').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toMatch(/^mine\.ts: .*$/);
      expect((error as Error).message).toContain(says);
    });
  it('is no folder', () => expect(loadExperiment(import.meta.dirname)).rejects.toThrow(/is a folder; name a file in it/));
  it('is found by its name, and a misspelt one is corrected', () =>
    expect(loadExperiment('bus-port-bloked')).rejects.toThrow(/did you mean bus-port-blocked\?/));
});

describe('a target', () => {
  it('that is no string is refused in one sentence', () => {
    const fault = blockBus(42 as never);
    expect(() => fault.plan({ nodes: [] } as never, [], undefined as never)).toThrow(/^expected a target such as .*, got 42$/);
  });
});

describe('nearest', () => {
  it('finds a word with a slip of the finger and no other', () => {
    expect(nearest('primaris', ['primaries', 'replicas'])).toBe('primaries');
    expect(nearest('NAME', ['name'])).toBe('name');
    expect(nearest('colour', ['primaries', 'replicas'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});

describe('the lock file', () => {
  const lock = JSON.parse(readFileSync(path.join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; resolved?: string }>;
  };
  // npm writes entries without a version when it derives the lock from a node_modules of another platform; `npm ci` then refuses them.
  it('has a version and no registry for every package, those of other platforms included', () => {
    const packages = Object.entries(lock.packages).filter(([name]) => name !== '');
    expect(packages.filter(([, { version, resolved }]) => version === undefined || resolved !== undefined)).toEqual([]);
    expect(packages.some(([name]) => name.includes('win32'))).toBe(true);
  });
});
