import { describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../src/cli/load.ts';
import { clusterChecksTable, engines, infoOf } from '../../src/docs/failures.ts';
import { expectationOn } from '../../src/experiment.ts';
import { allMeasured, type Measured } from '../../src/measured.ts';

describe('the table of what --cluster check said', () => {
  const said = (engine: string, clusterCheck: string): Measured =>
    ({ experiment: 'example', variant: 'wounded', engine, clusterCheck }) as unknown as Measured;
  it('has a row for each answer, without what is of one run', () => {
    const lines = clusterChecksTable([
      said('redis:6.0', 'it does not ask for links (node-5 is not in step; node-6 is not in step)'),
      said('redis:7.0', 'both object: Could not connect to Redis at 10.1.2.3:6379: failed'),
      said('redis:8.0', 'it does not ask for links (node-4 is not in step (link down)); node-6'),
      said('valkey:8.1', 'both object: Could not connect to Valkey at 10.9.9.9:6379: failed'),
      said('valkey:9.1', ''),
    ]).split('\n');
    expect(lines.slice(2)).toEqual([
      '| `example` wounded | redis:6.0, redis:8.0 | it does not ask for links |',
      '| `example` wounded | redis:7.0, valkey:8.1 | both object: Could not connect to a node: failed |',
    ]);
  });
});

describe('what the catalogue says', () => {
  it('was run: every variant, and each where another engine does something else', async () => {
    const recorded = new Set(allMeasured().map(({ experiment, variant, engine }) => `${experiment}/${variant} on ${engine}`));
    const unrun = (await loadCatalogue()).flatMap(({ name, variants }) =>
      Object.entries(variants).flatMap(([variant, own]) => {
        const asked = engines.filter((engine) => own.unsuited?.(infoOf(engine)) === undefined);
        const said = (engine: string): string => JSON.stringify(expectationOn(own, infoOf(engine)));
        const usual = asked.includes('redis:7.0') ? 'redis:7.0' : (asked[0] as string);
        return asked
          .filter((engine) => engine === usual || said(engine) !== said(usual) || asked.length < engines.length)
          .map((engine) => `${name}/${variant} on ${engine}`);
      }),
    );
    expect(unrun.filter((what) => !recorded.has(what))).toEqual([]);
  });
});
