import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Pairs, pairsCheck } from '../../src/consistency/pairs.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { checked } from './made.ts';
import { simulated } from './store.ts';

const pairs = (history: string | readonly Operation[]): Pairs => checked(history, pairsCheck);

describe('pairs', () => {
  it('are whole where both halves are of one write', () =>
    expect(
      pairs(`
      0-1 c1 n1 get-pair p nothing nothing
      2-9 c1 n1 set-pair p 1 unknown:timeout
      4-5 c2 n1 get-pair p 1 1
      4-5 c2 n1 get-pair p failed:moved
      final n1 get-pair p 1 1`),
    ).toMatchObject({ reads: 3, undecided: 0, torn: { total: 0 }, tornInTheEnd: { total: 0 } }));
  it('are torn where a read, of a replica as well, sees halves of two writes, or one half', () => {
    const { torn, tornInTheEnd, undecided } = pairs(`
      0-1   c1 n1 set-pair {p} 1
      2-3   c1 n1 set-pair {p} 2 unknown:reset
      4-5   c2 n1 get-pair {p} 1 2
      6-7   c2 n2 get-pair {p} 2 1 replica
      8-9   c2 n1 get-pair {p} 1 nothing
      8-9   c2 n1 get-pair {p} 1 foreign
      8-9   c2 n1 get-pair {p} 99 1
      final n1 get-pair {p} 1 2
      final n2 get-pair {p} 1 2 replica`);
    expect(torn).toMatchObject({ total: 3, outside: 3 });
    expect(torn.examples[1]).toEqual({ key: '{p}', slot: 16_023, node: 'n2', replica: true, atMs: 7, values: [2, 1] });
    expect(tornInTheEnd).toMatchObject({ total: 2, outside: 2 });
    expect(undecided).toBe(2);
  });
  it('are never torn by a store that keeps its promises, and always where a half is put back', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['set-pair'] }), (history) => {
        expect(pairs(history)).toMatchObject({ torn: { total: 0 }, tornInTheEnd: { total: 0 }, undecided: 0 });
        const written = history.find(({ verb }) => verb === 'set-pair')?.id ?? -1;
        const damaged = history.map((operation) =>
          operation.values.length === 2 ? { ...operation, values: [operation.values[0] as number, written] } : operation,
        );
        const expected = damaged.filter(({ values: [a, b] }) => a !== b);
        const found = pairs(damaged);
        expect(found.torn.total + found.tornInTheEnd.total).toBe(expected.length);
      }),
    );
  });
});
