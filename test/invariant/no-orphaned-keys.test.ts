import { describe, expect, it } from 'vitest';
import agrees from '../../src/invariant/cluster-check-agrees.ts';
import orphaned from '../../src/invariant/no-orphaned-keys.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { type Change, idOf, recorded, run } from '../recorded.ts';

const has =
  (node: string, ...counts: readonly (readonly [number, number])[]): Change =>
  (answers, name) => {
    if (name === node) answers['slot-keys'] = { counts };
  };
const importing: Change = (answers, name) => {
  if (name === 'node-1')
    answers.topology = answers.topology.map((peer) =>
      peer.flags.includes('myself') ? { ...peer, open: [{ slot: 6_000, direction: 'importing', peer: idOf('node-2') }] } : peer,
    );
};
const both =
  (...changes: readonly Change[]): Change =>
  (...given) => {
    for (const change of changes) change(...given);
  };

describe('no-orphaned-keys', () => {
  it('is violated by keys of a slot that another primary serves, at a primary and at a replica', () => {
    const finding = orphaned.check(recorded({ change: has('node-1', [5, 3], [6_000, 2], [6_001, 5]) }));
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringMatching(/node-1 holds 7 keys of 2 slots .*6000 first/) });
    expect(finding.outcome === 'violated' && finding.witnesses.length).toBe(1);
    expect(orphaned.check(recorded({ change: has('node-4', [6_000, 2]) }))).toMatchObject({ outcome: 'violated' });
  });
  it('holds for keys that are on their way, also in the replica of who imports them', () => {
    for (const node of ['node-1', 'node-4'])
      expect(orphaned.check(recorded({ change: both(importing, has(node, [6_000, 2])) }))).toMatchObject({ outcome: 'held' });
  });
  it('lets a replica of a replica have what the primary of the chain serves, and nothing else', () => {
    const chained: Change = (answers, name) => {
      if (name === 'node-4')
        answers.topology = answers.topology.map((peer) => (peer.flags.includes('myself') ? { ...peer, primary: idOf('node-6') } : peer));
    };
    const servedByNode3 = 12_000;
    expect(orphaned.check(recorded({ change: both(chained, has('node-4', [servedByNode3, 2])) }))).toMatchObject({ outcome: 'held' });
    expect(orphaned.check(recorded({ change: both(chained, has('node-4', [5, 2])) }))).toMatchObject({ outcome: 'violated' });
  });
  it('is unknown where a node does not tell', () => {
    const whole = recorded();
    const events = whole.events.filter((event) => !(event.type === 'observed' && event.probe === 'slot-keys' && event.node === 'node-3'));
    expect(orphaned.check(new Timeline(run, events))).toMatchObject({ outcome: 'unknown', because: expect.stringContaining('node-3') });
  });
  it('is what --cluster check does not ask for', () => {
    expect(agrees.check(recorded({ change: has('node-1', [6_000, 2]) }))).toMatchObject({
      outcome: 'held',
      because: expect.stringContaining('it does not ask for keys of slots that are served elsewhere'),
    });
  });
});
