import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import type { Driver } from '../src/driver.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { ended, start, verdicts } from './command-line.ts';
import { leftBy } from './own-runs.ts';

const fixture = path.join(import.meta.dirname, 'fixtures', 'mistakes.ts');
let results: string;
let driver: Driver;
beforeAll(async () => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-mistakes-'));
  driver = await dockerDriver();
  await resolveToolboxImage();
  await resolveEngineImage('redis:7.0');
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

const line = 'test/fixtures/mistakes.ts:\\d+:\\d+';
/** What each says on its standard error, and how its process ends; null where it is killed. */
const told: Readonly<Record<string, readonly [code: number | null, says: RegExp]>> = {
  'ends-the-process': [3, /^slotquake: the process was ended with process\.exit\(0\) before the run had a verdict; /],
  'injects-late': [3, /^slotquake: inject was called only when disturb returned: `await` whatever it starts/],
  'does-not-wait': [3, /^slotquake: inject was still under way when disturb returned: `await` whatever it starts/],
  'waits-for-nothing': [3, /^slotquake: disturb of the experiment was not over after 4\.00 s: /],
  'never-gives-way': [null, /^slotquake: disturb of the experiment did not give way for 4\.00 s, as in a loop without an await; /],
  'throws-undefined': [3, /^slotquake: disturb of the experiment failed: undefined was thrown, which is no error and tells no line/],
  'rejects-beside': [3, new RegExp(`^slotquake: a promise of the experiment that nobody awaits was rejected at ${line}: nobody listens`)],
};

describe('an experiment', () => {
  for (const [variant, [code, says]] of Object.entries(told)) {
    it(`is told in one sentence, and leaves nothing, where it ${variant.replaceAll('-', ' ')}`, async () => {
      const child = start('run', fixture, '--variant', variant, '--results', results, '--quiet');
      const result = await ended(child);
      expect(result.errors).toMatch(says);
      expect(result.errors).not.toMatch(/\n {4}at /);
      expect(result.errors.trim().split('\n')).toHaveLength(1);
      expect(result.code).toBe(code);
      await poll(
        'nothing to be left',
        async () => {
          const left = await leftBy(driver, child.pid);
          if (left.length > 0) throw new Error(JSON.stringify(left).slice(0, 300));
        },
        { withinMs: 30_000 },
      );
    });
  }

  it('that asserts something in vain has a finding of its own, and all the others', async () => {
    const result = await ended(start('run', fixture, '--variant', 'asserts', '--results', results, '--json'));
    const [verdict] = verdicts(result);
    expect(result.code, result.errors).toBe(1);
    expect(verdict?.verdict).toBe('not-as-expected');
    expect(verdict?.because).toMatch(new RegExp(`^violated: assertions \\(the experiment asserts at ${line}: `));
    expect(verdict?.findings.find(({ invariant }) => invariant === 'slots-covered-once')?.finding.outcome).toBe('held');
  });
  it('that does nothing to the cluster says so', async () => {
    const quiet = path.join(import.meta.dirname, 'fixtures', 'undisturbed.ts');
    const [verdict] = verdicts(await ended(start('run', quiet, '--results', results, '--json')));
    expect(verdict).toMatchObject({ verdict: 'as-expected', because: expect.stringMatching(/; nothing was done to the cluster$/) });
  });
});
