import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { incident, incidentFrom7, rounds } from './incident.ts';
import { wounded } from './wounded.ts';

let results: string;
beforeAll(() => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-test-'));
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

describe('endless-full-resync', () => {
  for (const [engine, sequence] of [
    ['redis:6.0', incident],
    ['redis:7.0', incidentFrom7],
  ] as const) {
    it(`logs the sequence of the incident on ${engine}, again and again`, async () => {
      const folder = await wounded('endless-full-resync', engine, results);
      const log = readFileSync(path.join(folder, 'logs', 'node-4.log'), 'utf8');
      expect(rounds(log, sequence), log).toBeGreaterThanOrEqual(2);
    });
  }
});
