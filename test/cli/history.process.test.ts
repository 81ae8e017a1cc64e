import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { historyFile, HistoryWriter } from '../../src/timeline/history.ts';

const cli = path.join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
let folder: string;
const operations = 40_000;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'history-'));
  using writer = new HistoryWriter(folder, (error) => {
    throw error;
  });
  for (let id = 0; id < operations; id++) {
    writer.add({
      id,
      client: id % 4,
      verb: 'set',
      key: `register:${id % 10}`,
      slot: id % 10,
      node: `node-${(id % 3) + 1}`,
      dueAtMs: id,
      sentAtMs: id,
      doneAtMs: id + 3.5,
      outcome: 'ok',
      reason: null,
      value: id,
      values: [],
      final: false,
      replica: false,
    });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const history = (...args: string[]) => spawnSync(process.execPath, [cli, 'history', ...args], { encoding: 'utf8', maxBuffer: 100_000_000 });

describe('slotquake history', () => {
  it('prints every operation, through a pipe too', () => {
    const { status, stdout, stderr } = history(folder);
    expect([status, stderr, stdout.split('\n').length]).toEqual([0, '', operations + 2]);
  });
  it('exports what was asked for', () => {
    const { stdout } = history(folder, '--as', 'json', '--key', 'register:7', '--from', '1s', '--to', '2s');
    expect(JSON.parse(stdout)).toHaveLength(202);
    expect(stdout).toMatch(/^\[\{"index":0,"type":"invoke","process":1,"time":997000000,"f":"write","value":997,"node":"node-2"\},\n/);
  });
  it('ends without a word when its reader has seen enough', async () => {
    const child = spawn(process.execPath, [cli, 'history', folder, '--as', 'edn'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, errors]).toEqual([0, '']);
  });
  it('says what is damaged, prints the rest, and is inconclusive', () => {
    const damaged = mkdtempSync(path.join(tmpdir(), 'history-'));
    try {
      writeFileSync(path.join(damaged, historyFile), readFileSync(path.join(folder, historyFile)).subarray(0, -1));
      const { status, stdout, stderr } = history(damaged);
      expect(status).toBe(2);
      expect(stdout.split('\n').length).toBeGreaterThan(operations / 2);
      expect(stderr).toMatch(/^slotquake: history\.bin ends in the middle of a frame; \d+ bytes at \d+ were left out\n$/);
    } finally {
      rmSync(damaged, { recursive: true });
    }
  });
  const mistakes: readonly (readonly [args: () => readonly string[], message: RegExp])[] = [
    [() => ['/nowhere'], /expected a folder below results\/, but \/nowhere does not exist/],
    [() => [tmpdir()], /expected the history of a run at .*history\.bin, but it cannot be read/],
    [() => [folder, '--key', 'registre:7'], /expected a key that the history knows, got registre:7 \(did you mean register:7\?\)/],
    [() => [folder, '--node', 'node-9'], /expected a node that the history knows \(node-1, node-2, node-3\), got node-9/],
    [() => [folder, '--client', '4'], /expected a client that the history knows \(0 to 3\), got 4/],
    [() => [folder, '--from', 'soon'], /expected a time since the start of the run such as/],
    [() => [folder, '--as', 'xml'], /Allowed choices are text, edn, json/],
  ];
  for (const [args, message] of mistakes) {
    it(`is told in one sentence that it ${String(message).slice(1, 60)}`, () => {
      const { status, stderr } = history(...args());
      expect(status).toBe(64);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^slotquake: [^\n]+\n$/);
    });
  }
});
