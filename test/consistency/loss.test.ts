import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Excuse } from '../../src/consistency.ts';
import { type Loss, lossCheck } from '../../src/consistency/loss.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { checked } from './made.ts';
import { historyOf, simulated } from './store.ts';

const never: Excuse = () => false;
const loss = (history: string | readonly Operation[], excuse: Excuse = never): Loss =>
  checked(history, (writes) => lossCheck(writes, excuse));

describe('loss of elements of lists and sets', () => {
  it('is none where everything is there', () => {
    const sound = loss(`
      0-1  c1 n1 append l 1
      2-3  c1 n1 append l 2
      2-9  c2 n1 append l 3 unknown:timeout
      0-1  c1 n1 add s 4
      2-3  c1 n1 add s 5 failed:refused
      4-5  c2 n1 range l 1 2
      4-5  c2 n1 members s 4
      final n1 range l 1 2 3
      final n2 range l 1 2 3 replica
      final n2 members s 4
      final n1 members s failed:moved`);
    expect(sound).toMatchObject({
      keys: 2,
      acknowledged: 3,
      present: 3,
      lost: 0,
      undecided: 0,
      unreadable: 0,
      unknown: 1,
      recovered: 1,
      failed: 1,
      losses: { acknowledged: 3, lost: 0, writes: [], windows: [], longestWindowMs: 0 },
    });
    for (const kind of ['contradicted', 'duplicated', 'reordered', 'stale', 'foreign', 'divergent', 'replicasDiffer'] as const)
      expect(sound[kind], kind).toMatchObject({ total: 0 });
  });
  it('is every acknowledged one that is not there, with its node and time', () => {
    const { acknowledged, present, lost, losses } = loss(
      `
      0-1   c1 n1 add {a} 1
      10-12 c1 n1 add {a} 2
      20-25 c2 n2 add {a} 3
      30-31 c1 n1 add {a} 4 unknown:timeout
      32-33 c1 n1 add {a} 5 failed:refused
      final n2 members {a} 1`,
      (node, atMs) => node === 'n1' && atMs > 11,
    );
    expect({ acknowledged, present, lost }).toEqual({ acknowledged: 3, present: 1, lost: 2 });
    const where = { key: '{a}', slot: 15495, verb: 'add', found: 'absent' };
    expect(losses).toEqual({
      acknowledged: 3,
      lost: 2,
      outside: 1,
      nodes: [
        { node: 'n1', acknowledged: 2, lost: 1, outside: 0 },
        { node: 'n2', acknowledged: 1, lost: 1, outside: 1 },
      ],
      slots: [{ slot: 15495, acknowledged: 3, lost: 2, outside: 1 }],
      writes: [
        { ...where, id: 3, node: 'n2', client: 2, sentAtMs: 20, acknowledgedAtMs: 25, outside: true },
        { ...where, id: 2, node: 'n1', client: 1, sentAtMs: 10, acknowledgedAtMs: 12, outside: false },
      ],
      leftOut: 0,
      windows: [
        { node: 'n1', fromMs: 12, toMs: 12, lost: 1, acknowledged: 1 },
        { node: 'n2', fromMs: 25, toMs: 25, lost: 1, acknowledged: 1 },
      ],
      longestWindowMs: 0,
    });
  });
  it('has windows, which end where a node lost nothing for a while', () => {
    const { windows, longestWindowMs } = loss(`
      0-10      c1 n1 add s 1
      0-20      c1 n1 add s 2
      0-30      c1 n1 add s 3
      0-500     c1 n1 add s 4
      0-2000    c1 n1 add s 5
      0-2010    c1 n1 add s 6
      0-9000    c1 n1 add s 7
      0-15000   c1 n1 add s 8
      final n1 members s 3 5`).losses;
    expect(windows).toEqual([
      { node: 'n1', fromMs: 10, toMs: 500, lost: 3, acknowledged: 4 },
      // Nothing else was written meanwhile, so that nothing says that the window had ended.
      { node: 'n1', fromMs: 2010, toMs: 15_000, lost: 3, acknowledged: 3 },
    ]);
    expect(longestWindowMs).toBe(12_990);
  });
  it('is present when either of two primaries has it, and says that they differ', () => {
    expect(
      loss(`
      0-1 c1 n1 add s 1
      0-1 c1 n2 add s 2
      0-1 c1 n2 add s 3
      final n1 members s 1
      final n2 members s 2`),
    ).toMatchObject({ present: 2, lost: 1, divergent: { total: 1, examples: [{ key: 's', nodes: ['n1', 'n2'] }] } });
  });
  it('is not told by replicas, which are compared with their primary', () => {
    expect(
      loss(`
      0-1 c1 n1 append l 1
      0-1 c1 n1 append l 2
      0-1 c1 n1 add s 3
      0-1 c1 n1 add s 4
      final n2 range l 2 1 replica
      final n2 members s 4 3 replica
      final n1 range l 1 2
      final n1 members s 3 4
      final n3 range l 1 2 replica`),
    ).toMatchObject({ lost: 0, present: 4, replicasDiffer: { total: 1, examples: [{ key: 'l', nodes: ['n1', 'n2'] }] } });
  });
  it('does not compare replicas in what may be over between two looks', () =>
    expect(
      loss(`
      0-1 c1 n1 set-expiring e 1 5000
      final n1 get-expiring e 1
      final n2 get-expiring e nothing replica`),
    ).toMatchObject({ replicasDiffer: { total: 0 } }));
  it('is not known of a key that no primary answers for', () => {
    expect(
      loss(`
      0-1 c1 n1 append l 1
      0-1 c1 n1 add s 2
      final n1 range l failed:clusterdown
      final n2 range l replica
      final n1 members s unknown:timeout`),
    ).toMatchObject({ acknowledged: 2, lost: 0, unreadable: 2, unreadableKeys: { total: 2, examples: ['l', 's'] } });
  });
  it('names what is there although it failed', () => {
    expect(
      loss(`
      0-1 c1 n1 append l 1 failed:moved
      0-1 c1 n1 set r 2 failed:moved
      final n1 range l 1
      final n1 get r 2`),
    ).toMatchObject({ failed: 2, contradicted: { total: 2, outside: 2, examples: [{ id: 1, key: 'l', node: 'n1' }, { id: 2 }] } });
  });
  it('names what nobody has written', () => {
    expect(
      loss(`
      0-1 c1 n1 append l 1
      0-1 c1 n1 set r 2
      final n1 range l 1 foreign 77
      final n1 get r foreign`),
    ).toMatchObject({ present: 1, undecided: 1, lost: 0, foreign: { total: 3 } });
  });
  it('names elements that stand in a list twice, of whatever outcome', () => {
    expect(
      loss(`
      0-1 c1 n1 append l 1
      2-3 c1 n1 append l 2 unknown:reset
      4-5 c1 n1 append l 3
      final n1 range l 1 2 3 2 1 1`),
    ).toMatchObject({ lost: 0, duplicated: { total: 3, examples: [{ id: 2 }, { id: 1 }, { id: 1 }] }, reordered: { total: 0 } });
  });
  it('names elements that stand before one that was certainly appended earlier', () => {
    expect(
      loss(`
      0-1 c1 n1 append l 1
      2-3 c1 n1 append l 2
      2-3 c2 n1 append l 3
      4-5 c1 n1 append l 4
      0-9 c3 n1 append l 5 unknown:timeout
      6-9 c4 n1 append l 6 unknown:timeout
      final n1 range l 3 4 2 6 1 5`),
    ).toMatchObject({
      lost: 0,
      // 3 and 2 were appended at the same time, 5 at any time; 6 was sent when 1 had long been there.
      reordered: { total: 4, outside: 4, examples: [{ id: 6 }, { id: 2 }, { id: 4 }, { id: 3 }] },
    });
  });
  it('counts an element as stale once, when a later read of a primary lacks it and it is there in the end', () => {
    const { stale, lost } = loss(
      `
      0-1   c1 n1 append l 1
      2-3   c1 n1 append l 2
      2-9   c1 n1 append l 3
      4-5   c2 n2 range l 1
      4-5   c2 n2 range l 1 1
      6-7   c2 n2 range l
      6-7   c2 n3 range l replica
      8-10  c2 n1 range l 1 2
      0-1   c1 n1 add s 4
      4-5   c2 n2 members s
      final n1 range l 1 2 3
      final n1 members s`,
      (node) => node === 'n3',
    );
    expect(lost).toBe(1);
    expect(stale).toMatchObject({
      total: 2,
      outside: 2,
      examples: [
        { id: 2, node: 'n2', atMs: 5 },
        { id: 1, node: 'n2', atMs: 7 },
      ],
    });
  });
  it('keeps ten thousand lost writes, the ones outside first, and says how many it left out', () => {
    const history: Operation[] = historyOf(
      Array.from({ length: 10_500 }, (_, id) => ({ id, verb: 'add' as const, key: 's', sentAtMs: id, doneAtMs: id + 1, node: 'n1' })),
      [{ verb: 'members', key: 's', values: [] }],
    );
    const { losses } = loss(history, (_, atMs) => atMs < 10_400);
    expect(losses).toMatchObject({ lost: 10_500, outside: 101, leftOut: 500 });
    expect(losses.writes).toHaveLength(10_000);
    expect(losses.writes.filter(({ outside }) => outside)).toEqual(losses.writes.slice(0, 101));
    expect(losses.writes[0]).toMatchObject({ id: 10_399 });
  });
});

describe('loss of values of registers', () => {
  it('is what came certainly after the value that is left', () => {
    expect(
      loss(`
      0-1 c1 n1 set r 1
      2-4 c1 n1 set r 2
      3-5 c2 n1 set r 3
      6-7 c1 n1 set r 4
      8-9 c1 n1 set r 5
      final n2 get r 2`),
    ).toMatchObject({
      acknowledged: 5,
      present: 1,
      overwritten: 2,
      lost: 2,
      losses: {
        writes: [
          { id: 4, found: '2' },
          { id: 5, found: '2' },
        ],
        windows: [{ fromMs: 7, toMs: 9, lost: 2, acknowledged: 2 }],
      },
    });
  });
  it('is everything where nothing is left', () => {
    expect(
      loss(`
      0-1 c1 n1 set r 1
      2-3 c1 n1 set r 2
      4-5 c1 n1 set r 3 unknown:timeout
      final n1 get r nothing`),
    ).toMatchObject({ lost: 2, losses: { writes: [{ found: 'nothing' }, { found: 'nothing' }] } });
  });
  it('cannot be told where a write of unknown outcome may have come late', () => {
    expect(
      loss(`
      0-1  c1 n1 set r 1
      2-30 c2 n1 set r 2 unknown:timeout
      4-5  c1 n1 set r 3
      final n1 get r 2`),
    ).toMatchObject({ lost: 0, overwritten: 1, undecided: 1, recovered: 1 });
  });
  it('is none where two primaries hold the older and the newer value', () => {
    expect(
      loss(`
      0-1 c1 n1 set r 1
      2-3 c1 n2 set r 2
      final n1 get r 1
      final n2 get r 2`),
    ).toMatchObject({ lost: 0, present: 2, overwritten: 0, divergent: { total: 1 } });
  });
  it('is at hand where one half of a pair is gone', () => {
    expect(
      loss(`
      0-1 c1 n1 set-pair p 1
      2-3 c1 n1 set-pair p 2
      0-1 c1 n1 set-pair q 3
      final n1 get-pair p 1 2
      final n1 get-pair q 3 3`),
    ).toMatchObject({ lost: 1, present: 1, overwritten: 1, losses: { writes: [{ id: 2, verb: 'set-pair', found: '1 and 2' }] } });
  });
});

describe('a store that keeps its promises', () => {
  it('is never accused', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['set', 'append', 'add', 'set-pair'] }), (history) => {
        const found = loss(history);
        expect(found).toMatchObject({ lost: 0, unreadable: 0 });
        for (const kind of ['contradicted', 'duplicated', 'reordered', 'stale', 'foreign', 'divergent'] as const)
          expect(found[kind].total, kind).toBe(0);
        expect(found.acknowledged).toBe(found.present + found.overwritten + found.undecided);
      }),
      { numRuns: 500 },
    );
  });
  it('is accused of exactly what is taken out of its sets and lists', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['append', 'add'] }), fc.infiniteStream(fc.boolean()), (history, coins) => {
        const acknowledged = new Set(
          history.filter(({ verb, outcome }) => ['append', 'add'].includes(verb) && outcome === 'ok').map(({ id }) => id),
        );
        const dropped = new Set([...acknowledged].filter(() => coins.next().value));
        const damaged = history.map((operation) =>
          operation.final ? { ...operation, values: operation.values.filter((id) => !dropped.has(id)) } : operation,
        );
        const found = loss(damaged);
        expect(found.losses.writes.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([...dropped].toSorted((a, b) => a - b));
        expect(found).toMatchObject({ lost: dropped.size, present: acknowledged.size - dropped.size });
        expect(found.losses.nodes.reduce((sum, { lost }) => sum + lost, 0)).toBe(dropped.size);
        expect(found.losses.slots.reduce((sum, { lost }) => sum + lost, 0)).toBe(dropped.size);
      }),
      { numRuns: 500 },
    );
  });
  it('is accused of registers only by what came certainly after the value that is put back', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['set'] }), fc.nat(), (history, pick) => {
        const acknowledged = history.filter(({ verb, outcome }) => verb === 'set' && outcome === 'ok');
        fc.pre(acknowledged.length > 0);
        const old = acknowledged[pick % acknowledged.length] as Operation;
        const damaged = history.map((operation) =>
          operation.final && operation.key === old.key ? { ...operation, value: old.id } : operation,
        );
        const after = acknowledged.filter(({ key, sentAtMs }) => key === old.key && sentAtMs > old.doneAtMs).map(({ id }) => id);
        expect(
          loss(damaged)
            .losses.writes.map(({ id }) => id)
            .toSorted((a, b) => a - b),
        ).toEqual(after.toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });
});
