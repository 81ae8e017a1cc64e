import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Consistency } from '../src/consistency.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { scanHistory } from '../src/timeline/history.ts';

const cli = path.join(import.meta.dirname, '..', 'src', 'cli.ts');
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

async function run(experiment: string, variant: string): Promise<Ended> {
  const args = [cli, 'run', experiment, '--variant', variant, '--seed', '5', '--results', results, '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  const line = output.split('\n').find((text) => text.startsWith('{'));
  if (!line) throw new Error(`expected a verdict, got: ${errors || output}`);
  const { verdict, because, folder } = JSON.parse(line) as { verdict: string; because: string; folder: string };
  folders.set(`${experiment}/${variant}`, folder);
  return { verdict, because, consistency: JSON.parse(readFileSync(path.join(folder, 'consistency.json'), 'utf8')) as Consistency };
}

describe('paused-primary', () => {
  it('loses what had queued up, and no more than clients had under way and sent until it heard', async () => {
    const { verdict, because, consistency } = await run('paused-primary', 'wounded');
    expect(verdict, because).toBe('as-expected');
    const { losses } = consistency.loss;
    expect(losses.lost).toBeGreaterThan(10);
    expect(losses.nodes.filter(({ lost }) => lost > 0)).toHaveLength(1);
    expect(losses.outside).toBe(0);
  });
  it('loses nothing with WAIT 1, the same operations being sent', async () => {
    const { verdict, because, consistency } = await run('paused-primary', 'wait');
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
  it('loses what the cut-off side acknowledged, for about the node timeout at the least and within its documented window', async () => {
    const { verdict, because, consistency } = await run('split-brain-writes', 'wounded');
    expect(verdict, because).toBe('as-expected');
    const { losses } = consistency.loss;
    expect(losses.lost).toBeGreaterThan(10);
    expect(losses.longestWindowMs).toBeGreaterThan(4_700);
    expect(losses.outside).toBe(0);
  });
  it('loses nothing with WAIT and min-replicas-to-write together', async () => {
    const { verdict, because, consistency } = await run('split-brain-writes', 'cured');
    expect(verdict, because).toBe('as-expected');
    expect(consistency.loss.losses.lost).toBe(0);
  });
});

describe('killed-primary', () => {
  it('is replaced in time', async () => {
    const { verdict, because } = await run('killed-primary', 'wounded');
    expect(verdict, because).toBe('as-expected');
  });
});
