import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { incident, incidentFrom7, rounds, stepsOf } from './incident.ts';

/** Logs of the replica of wounded runs, from the loss of the link to the first resync that comes through. */
const recorded = (engine: string): string =>
  readFileSync(path.join(import.meta.dirname, '..', 'fixtures', 'endless-full-resync', `${engine}.log`), 'utf8');

describe('the log of endless-full-resync', () => {
  it('says on Redis 6.0 what the incident said, line by line', () => {
    expect(rounds(recorded('redis-6.0'), incident)).toBe(2);
    expect(rounds(recorded('redis-6.0'), incidentFrom7)).toBe(0);
  });
  it('says on Redis 7.0 the same but for what a replica keeps and discards', () => {
    expect(rounds(recorded('redis-7.0'), incidentFrom7)).toBe(5);
    expect(rounds(recorded('redis-7.0'), incident)).toBe(0);
  });
  it('is told from one whose resync came through', () => {
    const healthy = recorded('redis-7.0').replaceAll(/.*I\/O error.*\n/g, '');
    expect(rounds(healthy, incidentFrom7)).toBe(0);
    expect(stepsOf(healthy)).not.toContain('connection lost');
  });
});
