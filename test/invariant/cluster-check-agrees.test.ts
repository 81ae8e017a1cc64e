import { describe, expect, it } from 'vitest';
import agrees from '../../src/invariant/cluster-check-agrees.ts';
import { clusterCheck, objectionsOf } from '../../src/cluster/check.ts';
import type { Hosts } from '../../src/driver.ts';
import { hangs } from '../../src/timeline/hangs.ts';
import type { Happening } from '../../src/timeline.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { type Change, healthy, idOf, recorded } from '../recorded.ts';

/** A record whose end is as `change` says, and at which --cluster check says this. */
function ending(objections: readonly string[], change: Change = () => {}): Timeline {
  const whole = recorded({ change: (answers, node, phase) => phase === 'verify' && change(answers, node, phase) });
  const events = whole.events.map((event) =>
    event.type === 'cluster-checked' ? { ...event, objections, exitCode: objections.length > 0 ? 1 : 0 } : event,
  );
  return new Timeline(whole.run, events);
}
const at =
  (where: string, change: (answers: ReturnType<typeof healthy>) => void): Change =>
  (answers, node) => {
    if (node === where) change(answers);
  };

describe('cluster-check-agrees', () => {
  it('is violated when only the tool objects', () => {
    expect(agrees.check(ending(['Nodes don’t agree about configuration!']))).toMatchObject({ outcome: 'violated' });
  });
  it('is unknown when the tool could not be asked: that is no objection', async () => {
    const hosts = { perform: () => Promise.resolve({ exitCode: 127, output: 'sh: timeout: not found' }) } as unknown as Hosts;
    const check = await clusterCheck(hosts, 'node-1');
    expect(check).toEqual({ exitCode: 127, objections: [], unasked: 'sh: timeout: not found' });
    const whole = ending([]);
    const events = whole.events.map((event) => (event.type === 'cluster-checked' ? { ...event, ...check } : event));
    expect(agrees.check(new Timeline(whole.run, events))).toEqual({
      outcome: 'unknown',
      because: '--cluster check could not be asked at node-1: sh: timeout: not found',
    });
  });
  it('is violated when slots are missing and the tool finds all well', () => {
    const uncovered = at('node-1', (answers) => {
      answers.topology = answers.topology.map((peer) => ({ ...peer, slots: peer.flags.includes('myself') ? [[0, 5_000]] : peer.slots }));
    });
    expect(agrees.check(ending([], uncovered))).toMatchObject({ outcome: 'violated', because: expect.stringContaining('slots') });
  });
  const open = at('node-1', (answers) => {
    answers.topology = answers.topology.map((peer) =>
      peer.flags.includes('myself') ? { ...peer, open: [{ slot: 1, direction: 'migrating', peer: idOf('node-2') }] } : peer,
    );
  });
  it('holds when both object to the same', () => {
    expect(agrees.check(ending(['The following slots are open: 1'], open))).toMatchObject({ outcome: 'held' });
  });
  it('is violated when each objects to something else', () => {
    expect(agrees.check(ending(['Not all 16384 slots are covered by nodes.'], open))).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining('only that node-1 has open slots: Not all 16384'),
    });
  });
  it('is violated when the tool leaves out what it asks for, though it objects', () => {
    const both: Change = (answers, node, phase) => {
      open(answers, node, phase);
      if (node === 'node-2')
        answers.topology = answers.topology.map((peer) => ({ ...peer, slots: peer.flags.includes('myself') ? [] : peer.slots }));
    };
    expect(agrees.check(ending(['The following slots are open: 1'], both))).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(
        /^--cluster check at node-1 finds only that The following slots are open: 1, but .*(describe different|slots)/,
      ),
    });
  });
  it('is violated when the tool says something that nobody has put into our terms', () => {
    expect(agrees.check(ending(['The moon is full.'], open))).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining('moon'),
    });
  });
  it('says that the tool hangs, and judges nothing by it where we find nothing', () => {
    expect(agrees.check(ending([hangs], open))).toMatchObject({ outcome: 'held', because: expect.stringContaining(hangs) });
    expect(agrees.check(ending([hangs]))).toMatchObject({ outcome: 'unknown', because: expect.stringContaining(hangs) });
  });
  it('names what the tool does not ask for, where only we object', () => {
    const broken = at('node-5', (answers) => {
      answers.replication = { ...answers.replication, link: 'down' };
    });
    expect(agrees.check(ending([], broken))).toMatchObject({
      outcome: 'held',
      because: expect.stringContaining('it does not ask for replication links'),
    });
  });
  it('takes it that the tool does not hear a member that its first node does not list, and no other', () => {
    const alone: Change = (answers, node) => {
      if (node === 'node-6') answers.topology = answers.topology.filter(({ flags }) => flags.includes('myself'));
    };
    const forgotten: Change = (answers, node) => {
      answers.topology = answers.topology.filter(({ id }) => (id === idOf('node-6')) === (node === 'node-6'));
    };
    expect(agrees.check(ending([], forgotten))).toMatchObject({ outcome: 'held', because: expect.stringContaining('does not list') });
    expect(agrees.check(ending([], alone))).toMatchObject({ outcome: 'violated', because: expect.stringContaining('describe different') });
  });
  it('is unknown when nobody asked', () => {
    const whole = recorded();
    const events = whole.events.filter(({ type }: Pick<Happening, 'type'>) => type !== 'cluster-checked');
    expect(agrees.check(new Timeline(whole.run, events))).toMatchObject({ outcome: 'unknown' });
  });
});

describe('the objections of --cluster check', () => {
  it('are its errors and warnings, without colours and not twice', () => {
    const output =
      '\u001b[29;1m>>> Performing Cluster Check\u001b[0m\n[OK] All nodes agree about slots configuration.\n\u001b[31;1m[ERR] Not all 16384 slots are covered by nodes.\u001b[0m\n\n[WARNING] The following slots are open: 5.\n[WARNING] The following slots are open: 5.\n';
    expect(objectionsOf(1, output)).toEqual(['Not all 16384 slots are covered by nodes.', 'The following slots are open: 5.']);
  });
  it('are its last words where it failed without one', () => {
    expect(objectionsOf(127, 'sh: redis-cli: not found\n')).toEqual(['sh: redis-cli: not found']);
  });
  it('are that it hangs, where it had to be ended', () => {
    expect(objectionsOf(124, '>>> Performing Cluster Check\nTerminated\n')).toEqual(['it had not ended after 4 s']);
  });
  it('are none where all is well', () => {
    expect(objectionsOf(0, '[OK] All 16384 slots covered.\n')).toEqual([]);
  });
});
