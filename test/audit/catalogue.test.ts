import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../src/cli/load.ts';
import { sceneOf } from '../../src/cluster/form.ts';
import { apartBecause, isSize, meaningOf, measures } from '../../src/conf/directive.ts';
import { splitWords } from '../../src/conf/words.ts';
import { clusterOf } from '../../src/experiment.ts';

describe('the catalogue', async () => {
  for (const experiment of await loadCatalogue()) {
    const audit = experiment.failure?.audit;
    if (audit === undefined || typeof audit === 'string') continue;
    describe(experiment.name, () => {
      const scaled = Object.keys(audit.scale).map(meaningOf);
      const spec = clusterOf(experiment, 'wounded');
      it('has its wound where settings can be laid over it, and not in single nodes', () => {
        const wound = Object.keys({ ...sceneOf(spec), ...experiment.variants['wounded']?.config }).map(meaningOf);
        expect(wound.filter((name) => scaled.includes(name))).not.toEqual([]);
        const single = Object.values(spec.nodes ?? {}).flatMap((config) => Object.keys(config).map(meaningOf));
        expect(single.filter((name) => scaled.includes(name))).toEqual([]);
      });
      it('scales only what is known to have a size', () => {
        const sized = Object.entries(audit.scale).flatMap(([name, factor]) => (factor === 1 ? [] : [meaningOf(name)]));
        expect(sized.filter((name) => !(name in measures))).toEqual([]);
      });
      it('gives a remedy that can be tried: directives that decide, or that go into every run', () => {
        for (const line of audit.lines) {
          const [name = '', ...values] = splitWords(line) ?? [];
          expect(values, line).not.toEqual([]);
          expect(scaled.includes(meaningOf(name)) || (apartBecause(name) === undefined && !isSize(name)), line).toBe(true);
        }
      });
    });
  }
});
