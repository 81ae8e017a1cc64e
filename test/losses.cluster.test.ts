import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Consistency } from '../src/consistency.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import type { CatalogueLine } from '../src/cli/catalogue.ts';
import { scanHistory } from '../src/timeline/history.ts';
import { ended, start } from './command-line.ts';

let results: string;
const folders = new Map<string, string>();

beforeAll(async () => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-losses-'));
  await resolveToolboxImage();
  await resolveEngineImage('redis:7.0');
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

interface Ended {
  readonly verdict: string;
  readonly because: string;
  readonly consistency: Consistency;
}

/** Runs them one after the other: the cluster of the next one is formed while a run ends. */
async function run(experiment: string, ...variants: readonly string[]): Promise<readonly Ended[]> {
  const args = ['catalogue', experiment, '--variant', variants.join(','), '--jobs', '1', '--seed', '5', '--results', results, '--json'];
  const outcome = await ended(start(...args));
  const lines = outcome.output.split('\n').filter(Boolean);
  const runs = lines.map((line) => JSON.parse(line) as CatalogueLine);
  return variants.map((variant) => {
    const of = runs.find((each) => each.variant === variant);
    if (!of?.folder) throw new Error(`expected a verdict on ${variant}, got: ${outcome.errors || outcome.output}`);
    folders.set(`${experiment}/${variant}`, of.folder);
    return { ...of, consistency: JSON.parse(readFileSync(path.join(of.folder, 'consistency.json'), 'utf8')) as Consistency };
  });
}

describe('paused-primary', () => {
  let runs: readonly Ended[];
  beforeAll(async () => {
    runs = await run('paused-primary', 'wounded', 'wait');
  });
  it('loses what had queued up, and no more than clients had under way and sent until it heard', () => {
    const { verdict, because, consistency } = runs[0] as Ended;
    expect(verdict, because).toBe('as-expected');
    const { losses } = consistency.loss;
    expect(losses.lost).toBeGreaterThan(10);
    expect(losses.nodes.filter(({ lost }) => lost > 0)).toHaveLength(1);
    expect(losses.outside).toBe(0);
  });
  it('loses nothing with WAIT 1, the same operations being sent', () => {
    const { verdict, because, consistency } = runs[1] as Ended;
    expect(verdict, because).toBe('as-expected');
    expect(consistency.loss.losses.lost).toBe(0);
    const sent = (variant: string): Map<number, string> => {
      const operations = new Map<number, string>();
      scanHistory(folders.get(`paused-primary/${variant}`) ?? '', (row, names) => {
        if (!row.final) operations.set(row.id, `${row.verb} ${names.key(row.key)}`);
      });
      return operations;
    };
    const [wounded, wait] = [sent('wounded'), sent('wait')];
    const both = [...wounded.keys()].filter((id) => wait.has(id));
    expect(both.length).toBeGreaterThan(100);
    expect(both.filter((id) => wounded.get(id) !== wait.get(id))).toEqual([]);
  });
});

describe('split-brain-writes', () => {
  let runs: readonly Ended[];
  beforeAll(async () => {
    runs = await run('split-brain-writes', 'wounded', 'cured');
  });
  it('loses what the cut-off side acknowledged, for about the node timeout at the least and within its documented window', () => {
    const { verdict, because, consistency } = runs[0] as Ended;
    expect(verdict, because).toBe('as-expected');
    const { losses } = consistency.loss;
    expect(losses.lost).toBeGreaterThan(10);
    // The node timeout is 5 s, and the newest pong may be a second old when the cut comes (clusterCron pings somebody every second).
    expect(losses.longestWindowMs).toBeGreaterThan(4_000);
    expect(losses.outside).toBe(0);
  });
  it('loses nothing with WAIT and min-replicas-to-write together', () => {
    const { verdict, because, consistency } = runs[1] as Ended;
    expect(verdict, because).toBe('as-expected');
    expect(consistency.loss.losses.lost).toBe(0);
  });
});

describe('killed-primary', () => {
  it('is replaced in time', async () => {
    const [killed] = await run('killed-primary', 'wounded');
    expect(killed?.verdict, killed?.because).toBe('as-expected');
  });
});
