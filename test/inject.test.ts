import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AbortedError, messageOf } from '../src/base/errors.ts';
import type { CommandResult } from '../src/driver.ts';
import { bites, type Fault, misses, type Witness } from '../src/fault.ts';
import { type Answer, failureOf, fine, paperInjector, type PaperInjection, script } from './paper.ts';

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const refused: CommandResult = { exitCode: 3, output: 'the kernel says no' };
const left: CommandResult = { exitCode: 0, output: 'still there' };
const nodesOfSteps = ['node-1', 'node-1', 'node-2', 'node-1'];

/** A fault of scripts that are named after their step: 1 to 4, the third of which is at node-2. */
const steps = (effect: Fault['effect'] = async () => misses('nothing shows')): Fault => ({
  name: 'steps',
  plan: () => ({ plan: { chosen: 'all' }, nodes: ['node-1', 'node-2'] }),
  exposes: () => [],
  actions: () =>
    nodesOfSteps.map((node, index) => ({
      do: script(node, `do ${index + 1}`),
      undo: script(node, `undo ${index + 1}`),
      residue: script(node, `look ${index + 1}`),
    })),
  effect,
});
const going = new AbortController().signal;

/** Everything on paper; a script is answered by its text. */
function ground(answers: Record<string, CommandResult | (() => CommandResult | Promise<CommandResult>)> = {}, more: PaperInjection = {}) {
  const answer: Answer = (command) => {
    const answered = answers['script' in command ? command.script : command.run];
    return typeof answered === 'function' ? answered() : answered;
  };
  const paper = paperInjector({ answer, ...more });
  const asked = (): string[] => paper.hosts.carriedOut.map((command) => ('script' in command ? command.script : command.run));
  const of = (node: string): string[] =>
    paper.hosts.carriedOut.flatMap((command) => ('script' in command && command.node === node ? [command.script] : []));
  const recorded = (): string[] => paper.recorder.events.map(({ type }) => type);
  return { ...paper, asked, of, recorded };
}
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('an injection', () => {
  it('does each step when the guard has its undo, in order at each node, node beside node', async () => {
    const first = Promise.withResolvers<CommandResult>();
    const { injector, guard, asked, of, recorded, recorder } = ground({ 'do 1': () => first.promise });
    const injecting = injector.inject(steps(), going);
    await settled();
    expect(asked()).toEqual(['do 1', 'do 3']);
    expect(guard.registered.map(({ undo }) => undo)).toEqual([script('node-1', 'undo 1'), script('node-2', 'undo 3')]);
    expect(guard.doneBefore).toEqual([0, 0]);
    expect(recorded()).toEqual(['fault-injecting']);
    await vi.advanceTimersByTimeAsync(70);
    first.resolve(fine);
    const active = await injecting;
    expect(of('node-1')).toEqual(['do 1', 'do 2', 'do 4']);
    expect(guard.doneBefore).toEqual([0, 0, 2, 3]);
    expect(active).toMatchObject({ id: 1, plan: { chosen: 'all' }, nodes: ['node-1', 'node-2'] });
    expect(recorder.events).toMatchObject([
      { type: 'fault-injecting', fault: 1, name: 'steps', plan: { chosen: 'all' }, nodes: ['node-1', 'node-2'], exposes: [], atMs: 0 },
      { type: 'fault-injected', fault: 1, atMs: 70 },
    ]);
  });
  it('has everything made ready before its first step, so that nodes far from each other are met at once', async () => {
    const { injector, hosts } = ground();
    await injector.inject(steps(), going);
    expect(hosts.prepared).toEqual(nodesOfSteps.map((node, index) => script(node, `do ${index + 1}`)));
  });
  it('does nothing where the guard does not take the undo', async () => {
    const { injector, guard, asked } = ground();
    guard.register = () => Promise.reject(new Error('no guard'));
    expect(messageOf(await failureOf(injector.inject(steps(), going)))).toContain('no guard');
    expect(asked()).toEqual([]);
  });
  it('tells what it is about to do when all is decided and nothing is done', async () => {
    const told = Promise.withResolvers<void>();
    const { injector, guard, asked, recorded } = ground({}, { planned: () => told.promise });
    const injecting = injector.inject(steps(), going);
    await settled();
    expect([guard.registered, asked(), recorded()]).toEqual([[], [], []]);
    told.resolve();
    await injecting;
    const planned = vi.fn<() => Promise<void>>(async () => {});
    await ground({}, { planned }).injector.inject(steps(), going);
    expect(planned).toHaveBeenCalledExactlyOnceWith({ nodes: ['node-1', 'node-2'], actions: steps().actions({}, '') });
  });
  it('gives each fault an id, a tag and a random of its own', async () => {
    const { injector, cluster } = ground();
    const given: unknown[][] = [];
    const fault: Fault = {
      ...steps(),
      plan: (forCluster, topology, random) => {
        given.push([forCluster, topology.length, random.integer(0, 1_000_000)]);
        return { plan: {}, nodes: [] };
      },
      actions: (_, tag) => {
        given.at(-1)?.push(tag);
        return [];
      },
    };
    const ids = [(await injector.inject(fault, going)).id, (await injector.inject(fault, going)).id];
    expect(ids).toEqual([1, 2]);
    expect(given.map(([forCluster, nodes, , tag]) => [forCluster, nodes, tag])).toEqual([
      [cluster, 6, 'paper-1'],
      [cluster, 6, 'paper-2'],
    ]);
    expect(given[0]?.[2]).not.toBe(given[1]?.[2]);
  });
  it('waits for the cluster to be formed', async () => {
    const latest = vi.fn<() => never>(() => new Map() as never);
    const { injector, recorded } = ground({}, { observer: { latest } });
    expect(messageOf(await failureOf(injector.inject(steps(), going)))).toContain('no node has told its topology yet');
    expect(latest).toHaveBeenLastCalledWith('topology');
    expect(recorded()).toEqual([]);
  });
  it('does not begin when the run has been stopped, and stops between two steps', async () => {
    const stop = new AbortController();
    const { injector, asked, guard, recorded } = ground({
      'do 2': () => {
        stop.abort(new AbortedError());
        return fine;
      },
    });
    const error = await failureOf(injector.inject(steps(), stop.signal));
    expect(error).toBeInstanceOf(AbortedError);
    expect(asked()).not.toContain('do 4');
    expect(guard.takenBack).toHaveLength(3);
    expect(recorded().at(-1)).toBe('fault-healed');
    expect(await failureOf(injector.inject(steps(), stop.signal))).toBeInstanceOf(AbortedError);
    expect(recorded().filter((type) => type === 'fault-injecting')).toHaveLength(1);
  });
});

describe('an injection that breaks off', () => {
  it('takes back what was done and what may be half done, and says why', async () => {
    const { injector, of, guard, recorded, recorder } = ground({ 'do 2': refused });
    const error = await failureOf(injector.inject(steps(), going));
    expect(messageOf(error)).toBe('the fault steps could not be injected at node-1 (exit 3): the kernel says no; see `slotquake doctor`');
    expect(of('node-1')).toEqual(['do 1', 'do 2', 'undo 2', 'look 2', 'undo 1', 'look 1']);
    expect(of('node-2')).toEqual(['do 3', 'undo 3', 'look 3']);
    expect(new Set(guard.takenBack)).toEqual(new Set([0, 1, 2]));
    expect(recorded()).toEqual(['fault-injecting', 'fault-healing', 'fault-ineffective', 'fault-healed']);
    expect(recorder.events[2]).toMatchObject({ because: 'it never took hold' });
  });
  it('takes nothing back before the steps under way at other nodes are over', async () => {
    const slow = Promise.withResolvers<CommandResult>();
    const { injector, asked } = ground({ 'do 1': refused, 'do 3': () => slow.promise });
    const failed = failureOf(injector.inject(steps(), going));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toEqual(['do 1', 'do 3']);
    slow.resolve(fine);
    expect(messageOf(await failed)).toContain('could not be injected');
    expect(asked().slice(2).toSorted()).toEqual(['look 1', 'look 3', 'undo 1', 'undo 3']);
  });
  it('says both where it cannot be taken back either', async () => {
    const { injector, recorded, guard } = ground({ 'do 4': refused, 'look 2': left });
    const failed = failureOf(injector.inject(steps(), going));
    await vi.advanceTimersByTimeAsync(10_000);
    const error = await failed;
    expect(error).toBeInstanceOf(SuppressedError);
    expect(messageOf(error)).toMatch(/^the fault steps could not be injected .*; and then: waited 5.00 s .* still there/);
    expect((error as Error).message).toBe('the fault could not be injected, nor undone');
    expect(recorded().at(-1)).toBe('heal-failed');
    // The guard is told of what is clean, and of nothing that rests under what is left.
    const undone = guard.takenBack.map((id) => guard.registered[id]?.undo);
    expect(undone).toEqual(expect.arrayContaining([script('node-1', 'undo 4'), script('node-2', 'undo 3')]));
    expect(undone).toHaveLength(2);
  });
});

describe('a heal', () => {
  it('takes the steps back in the reverse order at each node, looks after each, and tells the guard of each', async () => {
    const last = Promise.withResolvers<CommandResult>();
    const { injector, of, guard, recorded } = ground({ 'undo 4': () => last.promise });
    const active = await injector.inject(steps(), going);
    const healing = active.heal();
    await settled();
    expect(of('node-2')).toEqual(['do 3', 'undo 3', 'look 3']);
    expect(of('node-1').slice(3)).toEqual(['undo 4']);
    expect(guard.takenBack.map((id) => guard.registered[id]?.undo)).toEqual([script('node-2', 'undo 3')]);
    expect(recorded()).not.toContain('fault-healed');
    last.resolve(fine);
    await healing;
    expect(of('node-1').slice(3)).toEqual(['undo 4', 'look 4', 'undo 2', 'look 2', 'undo 1', 'look 1']);
    expect(guard.takenBack.map((id) => guard.registered[id]?.undo)).toEqual(
      ['undo 3', 'undo 4', 'undo 2', 'undo 1'].map((text) => script(text === 'undo 3' ? 'node-2' : 'node-1', text)),
    );
    expect(recorded().at(-1)).toBe('fault-healed');
  });
  it('happens once, also where two ask for it, and the scope ends then', async () => {
    const { injector, asked } = ground();
    {
      await using active = await injector.inject(steps(), going);
      await Promise.all([active.heal(), active.heal()]);
    }
    await injector.healAll();
    expect(asked()).toHaveLength(4 + 8);
  });
  it('comes when the scope ends', async () => {
    const { injector, asked } = ground();
    {
      await using _ = await injector.inject(steps(), going);
      expect(asked()).toHaveLength(4);
    }
    expect(asked()).toHaveLength(4 + 8);
  });
  it('tries a step until nothing of it is left', async () => {
    let looks = 0;
    const { injector, of } = ground({ 'look 2': () => (++looks < 5 ? left : fine) });
    const active = await injector.inject(steps(), going);
    const healing = active.heal();
    await vi.advanceTimersByTimeAsync(1_000);
    await healing;
    expect(of('node-1').slice(5)).toEqual([...Array.from({ length: 5 }, () => ['undo 2', 'look 2']).flat(), 'undo 1', 'look 1']);
  });
  it('that fails leaves the steps under the one that is left, says what is left, and may be tried again', async () => {
    let dirty = true;
    const { injector, of, recorder, recorded } = ground({ 'look 2': () => (dirty ? left : fine) });
    const active = await injector.inject(steps(), going);
    const failed = failureOf(active.heal());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(messageOf(await failed)).toContain('the residue of a fault at node-1 to be gone, still lacking: still there');
    expect(of('node-1')).not.toContain('undo 1');
    expect(recorder.events.at(-1)).toMatchObject({ type: 'heal-failed', fault: 1, because: messageOf(await failed) });
    dirty = false;
    await active.heal();
    expect(of('node-1').slice(-6)).toEqual(['undo 4', 'look 4', 'undo 2', 'look 2', 'undo 1', 'look 1']);
    expect(recorded().at(-1)).toBe('fault-healed');
  });
  it('that comes while the fault takes hold calls off the steps to come and waits for the one under way', async () => {
    const second = Promise.withResolvers<CommandResult>();
    const { injector, of, asked } = ground({ 'do 2': () => second.promise });
    const failed = failureOf(injector.inject(steps(), going));
    await settled();
    const healed = injector.healAll();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toEqual(['do 1', 'do 3', 'do 2']);
    second.resolve(fine);
    await healed;
    expect(await failed).toBeInstanceOf(AbortedError);
    expect(messageOf(await failed)).toBe('the fault steps was healed before it had taken hold');
    expect(of('node-1')).toEqual(['do 1', 'do 2', 'undo 2', 'look 2', 'undo 1', 'look 1']);
  });
});

describe('healing all', () => {
  it('heals what is in force, the youngest first, one after the other', async () => {
    const { injector, recorder } = ground();
    const [, second] = [
      await injector.inject(steps(), going),
      await injector.inject(steps(), going),
      await injector.inject(steps(), going),
    ];
    await second.heal();
    await injector.healAll();
    const order = recorder.events.flatMap((event) =>
      event.type === 'fault-healing' || event.type === 'fault-healed' ? [event.fault] : [],
    );
    expect(order).toEqual([2, 2, 3, 3, 1, 1]);
    await injector.healAll();
    expect(recorder.events.filter(({ type }) => type === 'fault-healing')).toHaveLength(3);
  });
  it('goes on where one fails, and says what failed', async () => {
    const { injector, recorded } = ground({ 'look 4': left });
    const other: Fault = {
      ...steps(),
      actions: () => [{ do: script('node-3', 'do'), undo: script('node-3', 'undo'), residue: script('node-3', 'look') }],
    };
    await injector.inject(other, going);
    await injector.inject(steps(), going);
    const failed = failureOf(injector.healAll());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await failed).not.toBeInstanceOf(AggregateError);
    expect(messageOf(await failed)).toContain('still there');
    expect(recorded().at(-1)).toBe('fault-healed');
    await injector.inject(steps(), going);
    const both = failureOf(injector.healAll());
    await vi.advanceTimersByTimeAsync(20_000);
    expect((await both) as AggregateError).toMatchObject({ errors: [expect.any(Error), expect.any(Error)] });
  });
});

describe('the evidence', () => {
  it('is looked for every moment until it is there, and recorded once', async () => {
    let looks = 0;
    const { injector, recorder, recorded } = ground();
    const active = await injector.inject(
      steps(async () => (++looks < 4 ? misses('not yet') : bites('packets were dropped'))),
      going,
    );
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks).toBe(4);
    await active.heal();
    expect(looks).toBe(4);
    expect(recorded().filter((type) => type === 'fault-effective')).toHaveLength(1);
    expect(recorder.events[2]).toMatchObject({ type: 'fault-effective', fault: 1, evidence: ['packets were dropped'], atMs: 150 });
    expect(recorded()).not.toContain('fault-ineffective');
  });
  it('is looked for once more before anything is taken back, after all nodes were asked', async () => {
    const order: string[] = [];
    const paper = ground({ 'undo 3': () => (order.push('undo'), fine) }, { observer: { round: async () => void order.push('round') } });
    let known = false;
    const active = await paper.injector.inject(
      steps(async () => {
        order.push('look');
        return known ? bites('seen at last') : misses('not yet');
      }),
      going,
    );
    await settled();
    known = true;
    await active.heal();
    expect(order).toEqual(['look', 'round', 'look', 'undo']);
    expect(paper.recorded()).toEqual(['fault-injecting', 'fault-injected', 'fault-healing', 'fault-effective', 'fault-healed']);
  });
  it('that never came is told, with what was missed last', async () => {
    const { injector, recorder } = ground();
    const active = await injector.inject(
      steps(async () => misses('no packet was dropped')),
      going,
    );
    await active.heal();
    expect(recorder.events).toContainEqual(
      expect.objectContaining({ type: 'fault-ineffective', fault: 1, because: 'no packet was dropped' }),
    );
  });
  it('that cannot be had keeps nobody from healing', async () => {
    const throwing = [
      async (): Promise<never> => Promise.reject(new Error('cannot look')),
      (): never => {
        throw new Error('cannot look');
      },
    ];
    for (const effect of throwing) {
      const { injector, recorder, asked } = ground();
      await (await injector.inject(steps(effect), going)).heal();
      expect(recorder.events).toContainEqual(expect.objectContaining({ type: 'fault-ineffective', because: 'cannot look' }));
      expect(asked()).toContain('undo 1');
    }
    const { injector, recorded } = ground({}, { observer: { round: () => Promise.reject(new Error('nobody answers')) } });
    await (await injector.inject(steps(), going)).heal();
    expect(recorded().at(-1)).toBe('fault-healed');
  });
  it('is seen by a witness who reads, and knows since when', async () => {
    const latest = vi.fn<() => never>(() => new Map([['node-1', []]]) as never);
    const paper = ground(
      { 'do 1': async () => (await new Promise((done) => setTimeout(done, 30)), fine) },
      { observer: { latest, silentMs: () => 7 } },
    );
    await vi.advanceTimersByTimeAsync(20);
    let seen: Witness | undefined;
    const injecting = paper.injector.inject(
      steps(async (plan, tag, witness) => {
        seen = witness;
        expect([plan, tag]).toEqual([{ chosen: 'all' }, 'paper-1']);
        return bites();
      }),
      going,
    );
    await vi.advanceTimersByTimeAsync(30);
    await injecting;
    const { epochMs } = paper.recorder;
    expect(seen).toMatchObject({ fromEpochMs: epochMs + 20, sinceEpochMs: epochMs + 50 });
    expect(await seen?.read(script('node-1', 'read'))).toEqual(fine);
    expect(paper.asked().at(-1)).toBe('read');
    expect((await seen?.state('node-1'))?.status).toBe('running');
    expect(seen?.silentMs('node-1')).toBe(7);
    expect(seen?.views()).toEqual(new Map([['node-1', []]]));
    expect(latest).toHaveBeenLastCalledWith('topology', 50);
  });
});
