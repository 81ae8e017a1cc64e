import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Excuse } from '../../src/consistency.ts';
import { queueCheck, type Queues } from '../../src/consistency/queue.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { checked } from './made.ts';
import { simulated } from './store.ts';

const queues = (history: string | readonly Operation[], excuse: Excuse = () => false): Queues =>
  checked(history, (writes) => queueCheck(writes, excuse));
const kinds = ['contradicted', 'deliveredTwice', 'vanished', 'resurrected', 'phantom', 'duplicated'] as const;

describe('queues', () => {
  it('deliver what was pushed, or keep it', () => {
    const sound = queues(`
      0-1   c1 n1 push q 1
      0-1   c1 n1 push q 2
      0-1   c1 n1 push q 3
      0-9   c1 n1 push q 4 unknown:timeout
      0-9   c1 n1 push q 5 unknown:timeout
      0-9   c1 n1 push q 6 failed:refused
      2-3   c2 n1 take q 1
      4-5   c2 n1 finish q 1
      6-7   c2 n1 take q 4
      8-9   c2 n1 finish q 4 unknown:timeout
      8-9   c3 n1 take q unknown:timeout
      final n1 range q 3
      final n1 range q:taken 2`);
    expect(sound).toMatchObject({
      queues: 1,
      acknowledged: 3,
      delivered: 1,
      left: 2,
      lost: 0,
      undecided: 0,
      unreadable: 0,
      unknown: 2,
      recovered: 1,
    });
    for (const kind of kinds) expect(sound[kind].total, kind).toBe(0);
  });
  it('have lost what was neither delivered nor left', () =>
    expect(
      queues(
        `
      0-1 c1 n1 push q 1
      2-3 c1 n1 push q 2
      4-5 c1 n1 push q 3
      6-7 c1 n1 push p 4
      8-9 c2 n1 take q nothing
      final n2 range q 1
      final n2 range q:taken
      final n2 range p
      final n2 range p:taken`,
        (_, atMs) => atMs === 3,
      ),
    ).toMatchObject({
      queues: 2,
      lost: 3,
      left: 1,
      losses: {
        lost: 3,
        outside: 2,
        writes: [
          { id: 3, outside: true },
          { id: 4, key: 'p' },
          { id: 2, outside: false, found: 'neither delivered nor left' },
        ],
        windows: [{ node: 'n1', fromMs: 3, toMs: 7, lost: 3, acknowledged: 3 }],
      },
    }));
  it('do not tell what was lost where a list cannot be read', () =>
    expect(
      queues(`
      0-1 c1 n1 push q 1
      0-1 c1 n1 push q 2
      2-3 c2 n1 take q 2
      0-1 c1 n1 push p 3
      0-1 c1 n1 push p 4
      2-3 c2 n1 take p 4
      final n1 range q
      final n1 range q:taken failed:clusterdown
      final n1 range p failed:clusterdown
      final n1 range p:taken 4`),
    ).toMatchObject({ acknowledged: 4, delivered: 2, lost: 0, undecided: 1, unreadable: 1, vanished: { total: 0 }, losses: { lost: 0 } }));
  it('deliver twice what two have taken', () => {
    const history = `
      0-1 c1 n1 push q 1
      2-3 c2 n1 take q 1
      4-5 c3 n2 take q 1
      6-7 c4 n2 take q 1
      8-9 c4 n2 finish q 1
      final n2 range q
      final n2 range q:taken`;
    expect(queues(history)).toMatchObject({ delivered: 1, deliveredTwice: { total: 2, outside: 2 }, vanished: { total: 0 } });
    expect(queues(history, (node) => node === 'n1')).toMatchObject({ deliveredTwice: { total: 2, outside: 0 } });
  });
  it('have vanished what was taken, not worked off, and is in no list', () =>
    expect(
      queues(`
      0-1 c1 n1 push q 1
      2-3 c2 n1 take q 1
      final n2 range q
      final n2 range q:taken`),
    ).toMatchObject({ delivered: 1, lost: 0, vanished: { total: 1, outside: 1, examples: [{ id: 1, key: 'q', node: 'n1', atMs: 3 }] } }));
  it('have risen again what was worked off and is still there, which may be for the undone take', () => {
    const history = `
      0-1 c1 n1 push q 1
      0-1 c1 n1 push q 2
      2-3 c2 n1 take q 1
      4-5 c2 n2 finish q 1
      final n2 range q 1
      final n2 range q:taken 2`;
    expect(queues(history)).toMatchObject({ resurrected: { total: 1, outside: 1, examples: [{ id: 1, node: 'n2' }] } });
    expect(queues(history, (node) => node === 'n1')).toMatchObject({ resurrected: { total: 1, outside: 0 } });
  });
  it('hold and deliver nothing that nobody pushed, or whose push failed, and nothing in two places', () =>
    expect(
      queues(`
      0-1 c1 n1 push q 1
      0-1 c1 n1 push q 2 failed:moved
      0-1 c1 n1 push q 3 failed:moved
      2-3 c2 n1 take q 77
      2-3 c2 n1 take q foreign
      2-3 c2 n1 take q 2
      4-5 c2 n1 finish q 2
      final n1 range q 1 78
      final n1 range q:taken 3 1`),
    ).toMatchObject({ phantom: { total: 3 }, contradicted: { total: 2 }, duplicated: { total: 1, examples: [{ id: 1 }] } }));
  it('of a store that keeps its promises are never accused, and lack exactly what is taken out', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['push'] }), fc.infiniteStream(fc.boolean()), (history, coins) => {
        const sound = queues(history);
        expect(sound).toMatchObject({ lost: 0, undecided: 0, unreadable: 0 });
        for (const kind of kinds) expect(sound[kind].total, kind).toBe(0);
        expect(sound.acknowledged).toBe(sound.delivered + sound.left);
        const dropped = new Set(history.flatMap(({ final, values }) => (final ? values.filter(() => coins.next().value) : [])));
        const damaged = history.map((operation) =>
          operation.final ? { ...operation, values: operation.values.filter((id) => !dropped.has(id)) } : operation,
        );
        const known = (id: number): boolean =>
          history.some(({ verb, outcome, value }) => value === id && (verb === 'take' || verb === 'finish') && outcome !== 'failed');
        const lost = history
          .filter(({ verb, outcome, id }) => verb === 'push' && outcome === 'ok' && dropped.has(id) && !known(id))
          .map(({ id }) => id);
        expect(
          queues(damaged)
            .losses.writes.map(({ id }) => id)
            .toSorted((a, b) => a - b),
        ).toEqual(lost.toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });
});
