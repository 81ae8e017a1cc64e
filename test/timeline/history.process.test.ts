import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { historyFile, HistoryWriter, type Operation, scanHistory } from '../../src/timeline/history.ts';

const fixture = (name: string): string => path.join(import.meta.dirname, '..', 'fixtures', name);

function folderOf(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'history-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** The ids in a history; each operation must have kept its place and its values. */
function idsIn(folder: string): { readonly ids: number; readonly defects: readonly string[] } {
  let ids = 0;
  const { defects } = scanHistory(folder, (row, names) => {
    expect([row.id, names.key(row.key), row.valueAt(1)]).toEqual([ids, `list:${ids % 1_000}`, ids + 1]);
    ids++;
  });
  return { ids, defects };
}

describe('history.bin', () => {
  for (const afterTurns of [2, 10, 300]) {
    it(`has everything of the turns before when its writer is killed after ${afterTurns}`, async () => {
      const folder = folderOf();
      const child = spawn(process.execPath, [fixture('history-writer.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk;
        if (output.split('\n').length > afterTurns) child.kill('SIGKILL');
      });
      await new Promise((resolve) => child.on('close', resolve));
      const promised = Number(output.trim().split('\n').at(-1));
      const { ids, defects } = idsIn(folder);
      expect(promised).toBeGreaterThan(0);
      expect(ids).toBeGreaterThan(promised);
      // At most the frame is cut off that was being written.
      expect(defects.length).toBeLessThanOrEqual(1);
      expect(defects.join('')).toMatch(/^$|ends in the middle of a frame/);
    });
  }
  it('tells once that it cannot be written, and is readable up to there', () => {
    const folder = folderOf();
    // Files of 50 KiB at most: the last write is a short one, as on a full disk.
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -f 100; exec "$@"', 'sh', process.execPath, fixture('history-writer.ts'), folder], {
      encoding: 'utf8',
    });
    expect(stdout.match(/^unwritable .*$/gm)).toEqual([`unwritable EFBIG ${path.join(folder, historyFile)}`]);
    const { ids, defects } = idsIn(folder);
    expect(ids).toBeGreaterThan(500);
    expect(defects).toEqual([expect.stringContaining('ends in the middle of a frame')]);
  });
  it('is read without being held', () => {
    const folder = folderOf();
    const operation: Operation = {
      id: 1,
      client: 1,
      verb: 'range',
      key: 'list:1',
      slot: 1,
      node: 'node-1',
      dueAtMs: 1,
      sentAtMs: 1,
      doneAtMs: 2,
      outcome: 'ok',
      reason: null,
      value: -1,
      values: Array.from({ length: 100_000 }, (_, index) => index),
      final: false,
      replica: false,
    };
    const peakOf = (operations: number): number => {
      const writer = new HistoryWriter(folder, (error) => {
        throw error;
      });
      for (let n = 0; n < operations; n++) writer.add(operation);
      writer[Symbol.dispose]();
      const { stdout } = spawnSync(process.execPath, [fixture('history-reader.ts'), folder], { encoding: 'utf8' });
      const read = JSON.parse(stdout) as { rows: number; values: number; defects: string[]; peakBytes: number };
      expect(read).toMatchObject({ rows: operations, values: operations * 100_000, defects: [] });
      return read.peakBytes;
    };
    const small = peakOf(1);
    rmSync(path.join(folder, historyFile));
    const large = peakOf(500);
    const fileBytes = statSync(path.join(folder, historyFile)).size;
    expect(fileBytes).toBeGreaterThan(200_000_000);
    expect(large - small).toBeLessThan(30_000_000);
  });
});
