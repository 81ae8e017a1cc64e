import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, ended, start, verdicts } from './command-line.ts';
import { drawn } from './draw/drawn.ts';
import { engines } from './draw/parts.ts';

const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures', `${name}.ts`);
let results: string;
beforeAll(() => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-engines-'));
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Ended> => ended(start('run', '--results', results, '--json', ...args));

for (const engine of engines.filter((name) => drawn('engines', name))) {
  describe(`a healthy cluster of ${engine}`, { timeout: 600_000 }, () => {
    it('forms and holds everything', async () => {
      const result = await run(fixture('undisturbed'), '--engine', engine);
      expect(verdicts(result)[0]?.verdict, result.errors + result.output).toBe('as-expected');
    });

    it('holds everything with passwords, users, host names or TLS', async () => {
      const result = await run(fixture('topologies'), '--engine', engine);
      // Names are announced from 7.0 on.
      const expected = Array.from({ length: 6 }, (_, index) => (engine === 'redis:6.0' && index === 3 ? 'not-asked' : 'as-expected'));
      expect(
        verdicts(result).map(({ verdict }) => verdict),
        result.errors + result.output,
      ).toEqual(expected);
    });
  });
}
