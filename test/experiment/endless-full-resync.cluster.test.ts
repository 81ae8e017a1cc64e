import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { incident, incidentFrom7, rounds } from './incident.ts';

const cli = path.join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
let results: string;
beforeAll(() => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-test-'));
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

/** The folder of a wounded run. */
async function wounded(engine: string): Promise<string> {
  const args = ['run', 'endless-full-resync', '--variant', 'wounded', '--engine', engine, '--results', results, '--json'];
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  const line = output.split('\n').find((text) => text.startsWith('{')) ?? '{}';
  return (JSON.parse(line) as { folder: string }).folder;
}

describe('endless-full-resync', () => {
  for (const [engine, sequence] of [
    ['redis:6.0', incident],
    ['redis:7.0', incidentFrom7],
  ] as const) {
    it(`logs the sequence of the incident on ${engine}, again and again`, async () => {
      const log = readFileSync(path.join(await wounded(engine), 'logs', 'node-4.log'), 'utf8');
      expect(rounds(log, sequence), log).toBeGreaterThanOrEqual(2);
    });
  }
});
