import Docker from 'dockerode';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../../src/base/poll.ts';
import blockBus from '../../src/fault/block-bus.ts';
import kill from '../../src/fault/kill.ts';
import forget from '../../src/fault/forget.ts';
import latency from '../../src/fault/latency.ts';
import pause from '../../src/fault/pause.ts';
import removeNode from '../../src/fault/remove-node.ts';
import wrongConfig from '../../src/fault/wrong-config.ts';
import { type Command, engine, toolbox } from '../../src/driver.ts';
import type { Action, ActiveFault, Fault } from '../../src/fault.ts';
import { seededRandom } from '../../src/base/random.ts';
import { together } from '../../src/base/together.ts';
import { takeBack } from '../../src/undo.ts';
import { ProvingGround } from './proving-ground.ts';

const docker = new Docker();
let ground: ProvingGround;
beforeAll(async () => {
  ground = await ProvingGround.open();
});
afterAll(() => ground[Symbol.asyncDispose]());

const inject = (fault: Fault): Promise<ActiveFault> => ground.injector().inject(fault, new AbortController().signal);
const engineOf = (node: string): Docker.Container =>
  docker.getContainer(ground.cluster.hosts.hosts.find(({ name }) => name === node)?.container ?? '');
const addressOf = (node: string): string => ground.cluster.nodes.find(({ name }) => name === node)?.address ?? '';
const rulesAt = (node: string): Promise<string> => ground.must(toolbox(node, 'iptables-save | grep SLOTQUAKE || true'));

describe('a fault in adversity', () => {
  it('is taken back when the engine was restarted meanwhile', async () => {
    const before = await ground.snapshot();
    const [blocked, slowed] = [await inject(blockBus('node-4')), await inject(latency('node-4', { delay: '20ms' }))];
    await engineOf('node-4').restart({ t: 1 });
    expect(await rulesAt('node-4')).toContain('DROP');
    await slowed.heal();
    await blocked.heal();
    await ground.healthy();
    expect(await ground.changes(before)).toEqual([]);
  });

  it('is taken back beside a container that somebody else has paused, which stays paused', async () => {
    const blocked = await inject(blockBus('node-5'));
    await engineOf('node-5').pause();
    await blocked.heal();
    expect(await rulesAt('node-5')).toBe('');
    expect((await ground.cluster.hosts.state('node-5')).status).toBe('paused');
    await engineOf('node-5').unpause();
    await ground.healthy();
  });

  it('that lives in the engine cannot be taken back while that is paused: it says so in time, and may be tried again', async () => {
    const before = await ground.snapshot();
    const changed = await inject(wrongConfig('node-5', { setting: 'maxclients', value: '9000' }));
    await engineOf('node-5').pause();
    await expect(changed.heal()).rejects.toThrow(/paused/);
    await engineOf('node-5').unpause();
    await changed.heal();
    await ground.healthy();
    expect(await ground.changes(before)).toEqual([]);
  });

  it('is undone at all its nodes, also where one of them answers with an error', async () => {
    const say = (node: string, exitCode: number): Command => engine(node, `echo ${node}; exit ${exitCode}`);
    const undo: Command = { run: 'together', node: 'node-1', commands: [say('node-1', 0), say('node-2', 3), say('node-3', 4)] };
    expect(await ground.cluster.hosts.perform(undo)).toEqual({ exitCode: 3, output: 'node-1\nnode-2\nnode-3' });
  });

  it('is seen to have bitten also where it is healed before the nodes were asked again', async () => {
    const sinceSeq = ground.recorder.events.length;
    const forgotten = await inject(forget('node-4', { at: 'node-5' }));
    await forgotten.heal();
    const told = ground.recorder.events.slice(sinceSeq).map(({ type }) => type);
    expect(told).toContain('fault-effective');
    expect(told).not.toContain('fault-ineffective');
    await ground.healthy();
  });

  it('that asked an engine to end is not over before that has ended and runs again', async () => {
    await ground.healthy();
    const replica = 'node-4';
    const [view] = ground.observer.latest('topology').values();
    const replicated = view?.find(({ id }) => id === view.find((peer) => peer.address === addressOf(replica))?.primary);
    const node = ground.cluster.nodes.find(({ address }) => address === replicated?.address)?.name ?? '';
    const fault = kill(node, { signal: 'SIGTERM' });
    const step = fault.actions(fault.plan(ground.cluster, view ?? [], seededRandom(1)).plan, 't7')[1];
    const [mark] = step?.do.run === 'sequence' ? step.do.commands : [];
    const { startedAtEpochMs } = await ground.cluster.hosts.state(node);
    // It waits for a replica that is behind; some of these keys are its own.
    await engineOf(replica).pause();
    await ground.must(engine(node, 'for key in a b c d e f g h; do $CLI SET $key 1; $CLI DEL $key; done >/dev/null'));
    // As when its holder is killed while it waits for the end.
    await ground.must(mark as Command);
    await ground.cluster.hosts.perform({ run: 'kill', node, signal: 'SIGTERM', waitMs: 1 });
    await takeBack(ground.cluster.hosts, step as Action);
    expect((await ground.cluster.hosts.state(node)).startedAtEpochMs).toBeGreaterThan(startedAtEpochMs);
    await engineOf(replica).unpause();
    await ground.healthy();
    expect((await ground.cluster.hosts.state(node)).status).toBe('running');
  });

  it('is healed in the right order with others: the pause that came last goes first', async () => {
    const before = await ground.snapshot();
    const injector = ground.injector();
    const signal = new AbortController().signal;
    await injector.inject(wrongConfig('node-6', { setting: 'maxclients', value: '9000' }), signal);
    await injector.inject(blockBus('node-6'), signal);
    await injector.inject(pause('node-6'), signal);
    await injector.healAll();
    await ground.healthy();
    expect(await ground.changes(before)).toEqual([]);
  });

  it('that is half done meets those whom the node itself was told to forget a moment before, and hears of from nobody', async () => {
    const forgotten = await inject(forget('node-4', { at: 'node-5' }));
    await forgotten.heal();
    await ground.healthy();
    const topology = ground.observer.latest('topology').get('node-1');
    if (!topology) throw new Error('node-1 has told no topology');
    const fault = removeNode('node-5');
    const { plan } = fault.plan(ground.cluster, topology, seededRandom(1));
    // As when its holder is killed half way: it was reset, and only one of the others had forgotten it.
    const done = fault
      .actions(plan, 'half')
      .filter(({ do: deed }) => /RESET SOFT|FORGET/.test(JSON.stringify(deed)) && ['node-5', 'node-1'].includes(deed.node));
    expect(done).toHaveLength(2);
    for (const { do: deed } of done) await ground.must(deed);
    await together(done, (action) => takeBack(ground.cluster.hosts, action));
    await ground.healthy();
  });

  it('is undone when its node has lost its engine container for good', async () => {
    const blocked = await inject(blockBus('node-6'));
    await engineOf('node-6').remove({ force: true });
    await blocked.heal();
    expect(await rulesAt('node-6')).toBe('');
    expect((await ground.cluster.hosts.state('node-6')).status).toBe('gone');
    // The journal of the guard holds every undo before its deed.
    const journal = readFileSync(path.join(ground.folder, 'journal.jsonl'), 'utf8');
    expect(journal).toContain('"register"');
    await poll(
      'the record to say so',
      () => {
        if (!ground.recorder.events.some(({ type }) => type === 'fault-healed')) throw new Error('not yet');
      },
      { withinMs: 10_000 },
    );
  });
});
