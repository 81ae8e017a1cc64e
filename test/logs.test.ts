import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EngineLogs } from '../src/logs.ts';
import { Recorder } from '../src/timeline/recorder.ts';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function opened() {
  const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-logs-'));
  folders.push(folder);
  const failures: unknown[] = [];
  const recorder = new Recorder(folder, undefined, (error) => failures.push(error));
  const logs = new EngineLogs(folder, recorder, (error) => failures.push(error));
  const at = (ms: number, text: string): void => logs.take({ node: 'node-1', epochMs: recorder.epochMs + ms, text });
  return { folder, recorder, logs, at, failures };
}
const refused = '1:S 25 Nov 2026 00:09:30.711 # MASTER aborted replication with an error: NOAUTH Authentication required.';

describe("the engines' logs", () => {
  it('are whole in their files, and in the timeline where they have a meaning', () => {
    const { folder, recorder, logs, at } = opened();
    at(10, 'nothing of interest');
    at(20, refused);
    logs.flush();
    recorder[Symbol.dispose]();
    expect(readFileSync(path.join(folder, 'node-1.log'), 'utf8')).toBe(`nothing of interest\n${refused}\n`);
    expect(recorder.events).toMatchObject([{ type: 'log-line', kind: 'login-refused', loggedAtMs: 20 }]);
  });
  it('flood no timeline: a few lines of one meaning each second, and how many there were', () => {
    const { folder, recorder, logs, at } = opened();
    for (let ms = 0; ms < 2_000; ms++) at(ms, refused);
    at(1_500, '1:M 25 Nov 2026 00:09:30.711 # Cluster state changed: fail');
    at(2_000, refused);
    logs.flush();
    recorder[Symbol.dispose]();
    expect(readFileSync(path.join(folder, 'node-1.log'), 'utf8').split('\n')).toHaveLength(2_003);
    const kinds = recorder.events.map((event) => (event.type === 'log-line' ? event.kind : event.type));
    expect(kinds.filter((kind) => kind === 'login-refused')).toHaveLength(41);
    expect(kinds.filter((kind) => kind === 'state-changed')).toHaveLength(1);
    expect(recorder.events.filter(({ type }) => type === 'noted')).toMatchObject([
      { text: 'node-1 logged login-refused 980 times more within that second; logs/node-1.log has them all' },
      { text: 'node-1 logged login-refused 980 times more within that second; logs/node-1.log has them all' },
    ]);
  });
  it('that cannot be written end the run in words', () => {
    const { folder, recorder, logs, at, failures } = opened();
    recorder[Symbol.dispose]();
    rmSync(folder, { recursive: true });
    folders.splice(0);
    at(10, 'nothing of interest');
    logs.flush();
    expect(String(failures[0])).toMatch(/node-1\.log cannot be written/);
  });
});
