import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { experimentNames, loadExperiment } from '../src/cli/load.ts';
import type { EngineInfo, Expectation } from '../src/timeline.ts';
import { allInvariants } from '../src/invariants.ts';
import type { Variant } from '../src/experiment.ts';

const engines = (
  [
    ['redis', '6.0.16'],
    ['redis', '7.0.15'],
    ['redis', '8.0.2'],
    ['valkey', '8.1.1'],
    ['valkey', '9.1.2'],
  ] as const
).map(([kind, version]): EngineInfo => ({ kind, version, image: 'none' }));
const expectationOf = ({ expect: expected = {} }: Variant, engine: EngineInfo): Expectation =>
  typeof expected === 'function' ? expected(engine) : expected;

describe('the catalogue', async () => {
  const invariants = (await allInvariants()).map(({ name }) => name);
  for (const name of experimentNames()) {
    const experiment = await loadExperiment(name);
    const { failure, variants } = experiment;
    describe(name, () => {
      it('is called as its file is', () => expect(experiment.name).toBe(name));
      it('tells what people see in one line, why, what decides and what helps', () => {
        expect(failure).toBeDefined();
        expect(failure?.symptom).toMatch(/^(?![A-Z][a-z ]).*[^.]$/);
        expect(failure?.symptom.length).toBeLessThanOrEqual(120);
      });
      it('opens with what happens to people and what was scaled', () => {
        const text = readFileSync(new URL(`../experiments/${name}.ts`, import.meta.url), 'utf8');
        expect(text).toMatch(/^\/\*\n \* \w/);
      });
      it('has a wounded variant that shows something, and a cured one that holds everything', () => {
        const { wounded, cured } = variants;
        // Not every engine must suffer, but somebody's does.
        const symptoms = engines
          .filter((engine) => wounded && !wounded.unsuited?.(engine))
          .map((engine) => expectationOf(wounded as Variant, engine));
        expect(symptoms.some((expectation) => Object.values(expectation).includes('violated'))).toBe(true);
        for (const engine of engines.filter((each) => cured && !cured.unsuited?.(each)))
          expect(Object.values(expectationOf(cured as Variant, engine))).not.toContain('violated');
        expect(Object.keys(variants)).toEqual(expect.arrayContaining(['wounded', 'cured']));
      });
      it('expects only what is asked', () => {
        for (const engine of engines) {
          for (const variant of Object.values(variants)) {
            for (const expected of Object.keys(expectationOf(variant, engine))) expect(invariants).toContain(expected);
            for (const except of variant.invariants?.except ?? []) expect(invariants).toContain(except);
          }
        }
      });
      it('says which settings decide, with a factor each, or why none does', () => {
        if (typeof failure?.audit !== 'object') return;
        const { scale, lines } = failure.audit;
        expect(Object.keys(scale).length).toBeGreaterThan(0);
        for (const factor of Object.values(scale)) expect(factor).toBeGreaterThan(0);
        expect(lines.length).toBeGreaterThan(0);
        for (const line of lines) expect(line).toMatch(/^(# .*|[a-z][a-z0-9-]* .+)$/);
      });
    });
  }
});
