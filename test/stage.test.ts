import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../src/base/random.ts';
import type { Cluster } from '../src/cluster.ts';
import type { Stage } from '../src/experiment.ts';
import type { Injector } from '../src/inject.ts';
import { linked } from '../src/outage.ts';
import { stageOf } from '../src/stage.ts';
import { replaced } from '../src/timeline/claims.ts';
import { isHealthy } from '../src/timeline/health.ts';
import type { Recorder } from '../src/timeline/recorder.ts';
import type { Timeline } from '../src/timeline/timeline.ts';
import type { Happening, TimelineEvent } from '../src/timeline.ts';
import { FakeServer, ok } from './load/server.ts';
import { healthy, run } from './recorded.ts';

let server: FakeServer;
let stage: Stage;
let answers: string[];
beforeAll(async () => {
  server = await FakeServer.open(([name]) => (name === 'CLUSTER' ? (answers.shift() ?? ok) : ok));
  const nodes = run.nodes.map((node) => ({ ...node, dial: server.dial }));
  stage = stageOf({
    cluster: { nodes, hosts: { hosts: nodes } } as unknown as Cluster,
    injector: {} as Injector,
    recorder: { events: [], record: () => {}, nowMs: () => 0 } as unknown as Recorder,
    info: run,
    random: seededRandom(1),
    signal: new AbortController().signal,
    variant: 'cured',
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const told = (): number => server.heard.filter(([name]) => name === 'CLUSTER').length;

describe('what an experiment tells a node', () => {
  it('is told again until the node has loaded its data, and any other refusal ends the run', async () => {
    const loading = '-LOADING Redis is loading the dataset in memory\r\n';
    answers = [loading, loading];
    expect(await stage.tell('node-1', 'CLUSTER', 'MEET', '10.0.0.9', 6379)).toBe('OK');
    expect(told()).toBe(3);
    answers = ['-ERR Invalid node address specified: x:6379\r\n'];
    await expect(stage.tell('node-1', 'CLUSTER', 'MEET', 'x', 6379)).rejects.toThrow(/node-1 refused .* Invalid node address/);
    expect(told()).toBe(4);
  });
});

describe('what an experiment waits for', () => {
  it('is looked for in what was recorded since the last look', async () => {
    let reads = 0;
    const events = new Proxy<TimelineEvent[]>([], {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
        return Reflect.get(target, name) as unknown;
      },
    });
    const record = (happening: Happening): void => void events.push({ seq: events.length, atMs: events.length, ...happening });
    for (let answer = 0; answer < 100; answer++)
      record({ type: 'observed', node: 'node-1', probe: 'topology', value: healthy('node-1').topology });
    const waiting = stageOf({
      cluster: { nodes: run.nodes } as unknown as Cluster,
      injector: {} as Injector,
      recorder: { events, record, nowMs: () => 0 } as unknown as Recorder,
      info: run,
      random: seededRandom(1),
      signal: new AbortController().signal,
      variant: 'cured',
    });
    let looks = 0;
    const condition = (timeline: Timeline): boolean => {
      record({ type: 'noted', text: `look ${++looks}` });
      return replaced(timeline, 'node-2') || isHealthy(timeline) || linked(timeline, 'node-4') || timeline.of('noted').length === 3;
    };
    expect(await waiting.until('it was looked three times', condition, '10s')).toBe(true);
    expect(waiting.cluster.nodes).toBe(run.nodes);
    expect(waiting.timeline()).toBe(waiting.timeline());
    expect(looks).toBe(3);
    // Each once, the waiting and the three looks among them.
    expect(reads).toBe(104);
  });
});
