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
        const { symptom = '', cause = '', setting = '', remedy = '' } = failure ?? {};
        expect(symptom).toMatch(/^(?![A-Z][a-z ]).{20,119}[^.]$/);
        // With the file of the engine in which it happens.
        expect(cause).toMatch(/.{60}/);
        expect(cause).toMatch(/\b[a-z-]+\.c\b/);
        expect(setting).toMatch(/.{10}/);
        expect(remedy).toMatch(/.{40}/);
      });
      it('opens with what happens to people and what was scaled', () => {
        const text = readFileSync(new URL(`../experiments/${name}.ts`, import.meta.url), 'utf8');
        const [, opening = ''] = /^\/\*\n \* (\w.*?)\n \*\/\n/s.exec(text) ?? [];
        expect(opening).toMatch(/.{200}/s);
        expect(opening).toMatch(/\b(Scaled|Not scaled|Nothing is scaled)\b/);
      });
      it('has a wounded variant that shows something, and a cured one that holds everything', () => {
        const { wounded, cured } = variants;
        // Not every engine must suffer, but somebody's does.
        const symptoms = engines
          .filter((engine) => wounded && !wounded.unsuited?.(engine))
          .map((engine) => expectationOf(wounded as Variant, engine));
        expect(symptoms.some((expectation) => Object.values(expectation).includes('violated'))).toBe(true);
        const cures = engines
          .filter((engine) => cured && !cured.unsuited?.(engine))
          .map((engine) => expectationOf(cured as Variant, engine));
        expect(cures).not.toEqual([]);
        for (const expectation of cures) expect(Object.values(expectation)).not.toContain('violated');
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
      it('says which settings decide, with a factor each, or in a sentence why none does', () => {
        const audit = failure?.audit ?? '';
        const { scale, lines } = typeof audit === 'string' ? { scale: {}, lines: [] } : audit;
        const settings = Object.keys(scale).length;
        expect(typeof audit === 'string' ? audit : `${settings} settings decide.`).toMatch(/^[A-Z].{30,}\.$|^[1-9]/);
        expect(lines.length > 0).toBe(settings > 0);
        for (const factor of Object.values(scale)) expect(factor).toBeGreaterThan(0);
        for (const line of lines) expect(line).toMatch(/^(# .*|[a-z][a-z0-9-]* .+)$/);
      });
    });
  }
});
