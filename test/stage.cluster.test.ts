import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerDriver } from '../src/driver/docker.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { runExperiment, type RunResult } from '../src/run.ts';
import { readTimeline } from '../src/timeline/timeline.ts';
import type { TimelineEvent } from '../src/timeline.ts';
import staged from './fixtures/staged.ts';

let results: string;
let events: readonly TimelineEvent[];
let verdict: string;
let refused: RunResult;

const run = async (variant: string): Promise<RunResult> =>
  runExperiment(staged, {
    variant,
    seed: 4,
    driver: await dockerDriver(),
    image: await resolveEngineImage('redis:7.0'),
    toolboxImage: await resolveToolboxImage(),
    folder: path.join(results, variant),
    reach: 'auto',
    keep: false,
    command: 'none',
    signal: new AbortController().signal,
  });

beforeAll(async () => {
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-stage-'));
  const { judgement } = await run('cured');
  verdict = `${judgement.verdict}: ${judgement.because}`;
  events = readTimeline(path.join(results, 'cured')).timeline.events;
  refused = await run('refused');
});
afterAll(() => rmSync(results, { recursive: true, force: true }));

const noted = (start: string): string =>
  events.flatMap((event) => (event.type === 'noted' && event.text.startsWith(start) ? event.text.slice(start.length + 1) : []))[0] ?? '';

describe('the stage', () => {
  it('fills a node with keys of its own slots', () => {
    expect(Number(noted('keys'))).toBeGreaterThanOrEqual(2_000);
    expect(verdict).toMatch(/^as-expected/);
  });
  it('gives single nodes settings of their own', () => {
    expect(noted('maxclients')).toMatch(/500.* and .*10000/);
  });
  it('takes a refusal for an answer, and records it as one', () => {
    expect(noted('refused')).toMatch(/^ERR Unknown node/);
    expect(events.find((event) => event.type === 'commanded' && event.failed)).toMatchObject({
      node: 'node-1',
      command: 'CLUSTER FORGET nobody',
    });
  });
  it('ends a run that missed what it counts on, without a verdict on the engine', async () => {
    const missed = await run('missed');
    expect(missed.judgement).toMatchObject({ verdict: 'inconclusive', because: 'waited 100ms in vain until it is judged' });
    expect(missed.error).toBeUndefined();
    expect(refused.judgement).toMatchObject({
      verdict: 'inconclusive',
      because: expect.stringMatching(/^node-1 refused CLUSTER FORGET nobody: ERR Unknown node/),
    });
  });
  it('tells a node again until it has loaded its data', () => {
    const meets = readTimeline(path.join(results, 'refused')).timeline.events.flatMap((event) =>
      event.type === 'commanded' && event.command.startsWith('CLUSTER MEET') ? [event] : [],
    );
    expect(meets.at(0)).toMatchObject({ answer: expect.stringMatching(/^LOADING/), failed: true });
    expect(meets.at(-1)).toMatchObject({ answer: 'OK', failed: false });
  });
  it("performs an operator's deed and records what it printed", () => {
    expect(noted('performed')).toMatch(/^0 .+/);
    expect(events.filter((event) => event.type === 'commanded' && event.command.includes('--cluster info'))).toHaveLength(1);
  });
  it('enacts a fault for good: nothing of it is injected or healed', () => {
    expect(noted('enacted')).toBe('node-2');
    expect(noted('then')).toContain('400');
    expect(events.filter(({ type }) => type.startsWith('fault-'))).toEqual([]);
  });
  it('knows a renamed member by the id that it says itself', () => {
    expect(noted('named')).toBe('1');
  });
  it('says whether what it waited for came', () => {
    expect([noted('in time'), noted('in vain')]).toEqual(['true', 'false']);
  });
  it("ends with the engine's own --cluster check", () => {
    expect(events.findLast((event) => event.type === 'cluster-checked')).toMatchObject({ exitCode: 0, objections: [] });
  });
});
