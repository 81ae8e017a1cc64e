import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Excuse } from '../../src/consistency.ts';
import { type Totals, totalsCheck } from '../../src/consistency/totals.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { checked } from './made.ts';
import { simulated } from './store.ts';

const totals = (history: string | readonly Operation[], excuse: Excuse = () => false): Totals =>
  checked(history, (writes) => totalsCheck(writes, excuse));

describe('counters', () => {
  it('count everything once', () =>
    expect(
      totals(`
      0-9   c1 n1 increment c 2
      1-3   c2 n1 increment c 1
      5-9   c3 n1 increment c unknown:timeout
      6-9   c4 n1 increment c failed:refused
      9-20  c1 n1 increment c unknown:timeout
      10-12 c2 n1 increment c 4
      final n1 count c 4
      final n2 count c 3 replica`),
    ).toMatchObject({
      keys: 1,
      acknowledged: 3,
      unknown: 2,
      lost: 0,
      contested: { total: 0 },
      wentBack: { total: 0 },
      recovered: 1,
      excess: { total: 0 },
      unreadable: 0,
    }));
  it('have lost what the final count does not reach', () =>
    expect(
      totals(
        `
      0-1 c1 n1 increment c 1
      2-3 c1 n1 increment c 2
      4-5 c2 n1 increment c 3
      6-7 c2 n1 increment c 4
      final n2 count c 2`,
        (_, atMs) => atMs > 6,
      ),
    ).toMatchObject({
      lost: 2,
      outside: 1,
      losses: {
        lost: 2,
        outside: 1,
        nodes: [{ node: 'n1', acknowledged: 4, lost: 2, outside: 1 }],
        writes: [
          { client: 2, node: 'n1', acknowledgedAtMs: 5, found: 'a count of 2', outside: true },
          { acknowledgedAtMs: 7, outside: false },
        ],
        windows: [{ node: 'n1', fromMs: 5, toMs: 7, lost: 2 }],
      },
    }));
  it('have lost everything where there is nothing', () =>
    expect(totals('0-1 c1 n1 increment c 1 \n 2-3 c1 n1 increment c 2 \n final n1 count c nothing')).toMatchObject({ lost: 2 }));
  it('have lost one of two increments to which the same sum was told, though the count goes on', () => {
    const history = `
      0-1   c1 n1 increment c 1
      2-3   c1 n1 increment c 2 #8
      4-5   c1 n1 increment c 3
      6-7   c2 n2 increment c 2 #9
      8-9   c2 n2 increment c 3
      10-11 c2 n2 increment c 4
      final n2 count c 4`;
    expect(totals(history)).toMatchObject({ lost: 2, outside: 2, losses: { lost: 0 }, contested: { total: 2, outside: 2 } });
    expect(totals(history).contested.examples[0]).toMatchObject({
      key: 'c',
      first: { id: 8, sum: 2, node: 'n1', sentAtMs: 2, acknowledgedAtMs: 3 },
      second: { id: 9, sum: 2, node: 'n2', acknowledgedAtMs: 7 },
    });
    expect(totals(history, (node) => node === 'n1')).toMatchObject({ lost: 2, outside: 0 });
    expect(totals(history, (node, atMs) => node === 'n2' && atMs > 8)).toMatchObject({ lost: 2, outside: 1 });
  });
  it('count together what the final count lacks and what was told twice', () =>
    expect(
      totals(`
      0-1   c1 n1 increment c 1
      2-3   c1 n1 increment c 2
      4-5   c1 n1 increment c 3
      6-7   c1 n1 increment c 4
      8-9   c2 n2 increment c 2
      final n2 count c 2`),
    ).toMatchObject({ acknowledged: 5, lost: 3, losses: { lost: 2 }, contested: { total: 1 } }));
  it('have lost an increment where a sum goes back, whatever hides the double', () =>
    expect(
      totals(`
      0-1   c1 n1 increment c 1
      2-3   c1 n1 increment c unknown:timeout
      4-5   c1 n1 increment c 3
      6-7   c2 n2 increment c 2
      8-9   c2 n2 increment c unknown:timeout
      10-11 c2 n2 increment c 4
      final n2 count c 4`),
    ).toMatchObject({
      lost: 1,
      outside: 1,
      contested: { total: 0 },
      wentBack: { total: 1, examples: [{ first: { sum: 3, node: 'n1' }, second: { sum: 2, node: 'n2' } }] },
    }));
  it('do not go back where increments were under way at the same time', () =>
    expect(
      totals(`
      0-5 c1 n1 increment c 3
      0-6 c2 n1 increment c 2
      5-7 c3 n1 increment c 1
      final n1 count c 3`),
    ).toMatchObject({ lost: 0, wentBack: { total: 0 } }));
  it('counted twice what is more than everything that may have happened', () =>
    expect(
      totals(`
      0-1 c1 n1 increment c 1
      2-3 c1 n1 increment c unknown:reset
      4-5 c1 n1 increment c 4
      6-7 c1 n1 increment c failed:moved
      final n1 count c 5`),
    ).toMatchObject({ lost: 0, recovered: 1, excess: { total: 2, examples: [{ key: 'c', count: 5, atMost: 3 }] } }));
  it('are judged by the primary that counts most, where there are two', () =>
    expect(
      totals(`
      0-1 c1 n1 increment c 1
      2-3 c1 n1 increment c 2
      2-3 c1 n1 increment c 3
      final n2 count c 1
      final n1 count c 2`),
    ).toMatchObject({ lost: 1 }));
  it('cannot be told without a final count, but for sums that were told twice', () =>
    expect(
      totals(`
      0-1 c1 n1 increment c 1
      2-3 c1 n1 increment c 1
      0-1 c1 n1 increment d 1
      final n1 count c failed:clusterdown
      final n1 count d foreign`),
    ).toMatchObject({ lost: 1, contested: { total: 1 }, unreadable: 3, unreadableKeys: { total: 2, examples: ['c', 'd'] } }));
  it('of a store that keeps its promises are never accused, and lack exactly what is taken from the count', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['increment'] }), fc.nat(20), (history, less) => {
        const sound = totals(history);
        expect(sound).toMatchObject({ lost: 0, outside: 0, contested: { total: 0 }, wentBack: { total: 0 }, excess: { total: 0 } });
        const damaged = history.map((operation) =>
          operation.final
            ? { ...operation, value: operation.value < 1 ? operation.value : Math.max(0, operation.value - less) }
            : operation,
        );
        const short = damaged
          .filter(({ final }) => final)
          .map(
            ({ key, value }) =>
              history.filter(
                (operation) =>
                  operation.verb === 'increment' && operation.outcome === 'ok' && operation.key === key && operation.value > value,
              ).length,
          );
        expect(totals(damaged)).toMatchObject({ lost: short.reduce((a, b) => a + b, 0), excess: { total: 0 } });
      }),
      { numRuns: 500 },
    );
  });
});
