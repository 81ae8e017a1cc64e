import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../src/base/random.ts';
import type { Cluster } from '../src/cluster.ts';
import type { Stage } from '../src/experiment.ts';
import type { Injector } from '../src/inject.ts';
import { stageOf } from '../src/stage.ts';
import type { Recorder } from '../src/timeline/recorder.ts';
import { FakeServer, ok } from './load/server.ts';
import { run } from './recorded.ts';

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
