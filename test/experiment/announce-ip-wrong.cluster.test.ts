import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTimeline } from '../../src/timeline/timeline.ts';
import { wounded } from './wounded.ts';

let results: string;
beforeAll(() => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-test-'));
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

describe('announce-ip-wrong', () => {
  it('sends clients to an address at which no engine of the cluster is', async () => {
    const { timeline } = readTimeline(await wounded('announce-ip-wrong', 'redis:7.0', results));
    const [, address = ''] =
      /MOVED 0 (\S+)/.exec(timeline.of('commanded').find(({ command }) => command.startsWith('GET'))?.answer ?? '') ?? [];
    expect(address).toMatch(/^\d+(\.\d+){3}:6379$/);
    expect(timeline.run.nodes.map((node) => node.address)).not.toContain(address);
  });
});
