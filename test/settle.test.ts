import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Observer } from '../src/observe.ts';
import { settle } from '../src/settle.ts';
import { relapseUntilMs } from '../src/timeline/relapse.ts';
import { Recorder } from '../src/timeline/recorder.ts';
import type { ProbeName } from '../src/timeline/observation.ts';
import { fault, film } from './invariant/recorded.ts';
import { healthy, run } from './recorded.ts';

describe('settling', () => {
  let folder = '';
  let recorder: Recorder;
  /** Looks so far, and with them the time: one each 25 ms, however long they take on this machine. */
  let looks = 0;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'settle-'));
    recorder = new Recorder(folder, undefined, () => {});
    looks = 0;
    recorder.nowMs = () => 25 * looks;
  });
  afterEach(() => {
    recorder[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });
  /** Nodes that are well but at certain looks, counted from 0. */
  const observing = (isIll: (look: number) => boolean): Observer =>
    ({
      latest: (probe: ProbeName) => {
        if (probe === 'cluster-info') looks++;
        const answers = run.nodes.map(({ name }) => [name, healthy(name)] as const);
        if (isIll(looks - 1)) for (const [, answer] of answers) answer['cluster-info'] = { state: 'fail', counters: {} };
        return new Map(answers.map(([name, answer]) => [name, answer[probe]]));
      },
    }) as unknown as Observer;
  const notes = (): string[] => recorder.events.flatMap((event) => (event.type === 'noted' ? [event.text] : []));

  it('is done at once where nothing has to hold', async () =>
    expect(
      await settle(
        () => run,
        observing(() => false),
        recorder,
        { withinMs: 1_000 },
      ),
    ).toMatchObject({ lacking: [] }));
  it('begins anew after a relapse, notes it, and tells each time that all is well', async () => {
    const healthyAtMs: number[] = [];
    const { lacking, healthySinceMs } = await settle(
      () => run,
      observing((look) => look === 3),
      recorder,
      { withinMs: 5_000, holdMs: 150, onHealthy: () => healthyAtMs.push(recorder.nowMs()) },
    );
    expect(healthyAtMs).toEqual([25, 125]);
    expect(notes()).toEqual([expect.stringMatching(/^healthy for 75 ms, and then no longer: node-1 says cluster_state:fail/)]);
    expect({ lacking, healthySinceMs, endedAtMs: recorder.nowMs() }).toEqual({ lacking: [], healthySinceMs: 125, endedAtMs: 275 });
  });
  it('does not end before packets of old may have come', async () => {
    const { healthySinceMs } = await settle(
      () => run,
      observing(() => false),
      recorder,
      { withinMs: 5_000, notBeforeMs: 200 },
    );
    expect({ healthySinceMs, endedAtMs: recorder.nowMs() }).toEqual({ healthySinceMs: 25, endedAtMs: 200 });
  });
  it('tells what is lacking when the time is up, and since when it was well if it only did not hold for long enough', async () => {
    expect(
      await settle(
        () => run,
        observing(() => true),
        recorder,
        { withinMs: 60 },
      ),
    ).toMatchObject({ healthySinceMs: null });
    const { lacking, healthySinceMs } = await settle(
      () => run,
      observing(() => false),
      recorder,
      { withinMs: 60, holdMs: 10_000 },
    );
    // The first of these looks was the fourth in all.
    expect({ lacking, healthySinceMs }).toEqual({ lacking: [], healthySinceMs: 100 });
  });
});

describe('a relapse', () => {
  it('is awaited for as long as nodes were cut off, and a little longer, but 15 s at most', () => {
    expect(relapseUntilMs(film({ extra: fault('node-1', 'isolated', 1_000, 4_000) }))).toBe(4_000 + 2_950 + 500);
    expect(relapseUntilMs(film({ extra: fault('node-1', 'isolated', 0, 30_000) }))).toBe(45_500);
  });
  it('is not awaited after a fault that leaves the port of the bus alone', () => {
    const naming = (ports: number[]) =>
      fault('node-1', 'isolated', 1_000, 4_000).map((event) => (event.type === 'fault-injecting' ? { ...event, plan: { ports } } : event));
    expect(relapseUntilMs(film({ extra: naming([6_379]) }))).toBe(0);
    expect(relapseUntilMs(film({ extra: naming([6_379, 16_379]) }))).toBe(4_000 + 2_950 + 500);
  });
  it('is not awaited after other faults, nor after one that was never healed', () => {
    expect(relapseUntilMs(film({ extra: fault('node-1', 'frozen', 1_000, 4_000) }))).toBe(0);
    expect(relapseUntilMs(film({ extra: fault('node-1', 'isolated', 1_000, 4_000).slice(0, 3) }))).toBe(0);
  });
});
