import { describe, expect, it } from 'vitest';
import { seededRandom } from '../src/base/random.ts';
import type { Cluster } from '../src/cluster.ts';
import type { Fault } from '../src/fault.ts';
import type { GuardLink } from '../src/guarded.ts';
import { Injector } from '../src/inject.ts';
import type { Observer } from '../src/observe.ts';
import { stageOf } from '../src/stage.ts';
import { withRenamed } from '../src/timeline/timeline.ts';
import type { Recorder } from '../src/timeline/recorder.ts';
import { film } from './invariant/recorded.ts';
import { run } from './recorded.ts';

const [second, third] = ['b'.repeat(40), 'c'.repeat(40)];
const { events } = film({
  extra: [
    { atMs: 5_000, type: 'member-renamed', node: 'node-6', id: second },
    { atMs: 6_000, type: 'member-renamed', node: 'node-6', id: third },
  ],
});
const cluster = { nodes: run.nodes } as unknown as Cluster;
const recorder = { events, record: () => {}, nowMs: () => 9_000 } as unknown as Recorder;
const random = seededRandom(1);

/** A fault that cannot be planned, and says for whom. */
const refusing = {
  name: 'refusing',
  plan: ({ nodes }: Cluster) => {
    throw new Error(`planned for ${nodes.find(({ name }) => name === 'node-6')?.id}`);
  },
} as unknown as Fault;
const injector = new Injector({
  cluster,
  recorder,
  observer: { latest: () => new Map([['node-1', []]]), round: () => Promise.resolve() } as unknown as Observer,
  guard: {} as GuardLink,
  random,
  tagOf: (id) => `${id}`,
});
const stage = stageOf({ cluster, injector, recorder, info: run, random, signal: new AbortController().signal, variant: 'cured' });

describe('a node that was renamed', () => {
  it('is listed under its newest id, with the others as former ones', () => {
    expect(withRenamed(run, events).nodes.at(-1)).toMatchObject({ id: third, formerIds: [run.nodes.at(-1)?.id, second] });
    expect(withRenamed(run, film().events)).toBe(run);
  });
  it('is known to the stage by its newest id', () => {
    expect(stage.cluster.nodes.map(({ id }) => id)).toEqual([...run.nodes.slice(0, -1).map(({ id }) => id), third]);
  });
  it('is known by it to faults that are injected and enacted', async () => {
    await expect(injector.inject(refusing, new AbortController().signal)).rejects.toThrow(`planned for ${third}`);
    await expect(stage.enact(refusing)).rejects.toThrow(`planned for ${third}`);
  });
});
