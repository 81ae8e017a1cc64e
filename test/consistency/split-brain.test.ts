import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimsOf, splitBrainCheck, type SplitBrain } from '../../src/consistency/split-brain.ts';
import type { Excuse } from '../../src/consistency.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { type Answers, film, line } from '../invariant/recorded.ts';
import { idOf } from '../recorded.ts';
import { checked, made } from './made.ts';

// Slot 7629 of key k belongs to node-2, and node-5 is its replica. Nodes answer every 100 ms.
const slots = [[5461, 10_922]] as const;
type Change = (answers: Answers, node: string, atMs: number) => void | false;

/** What a node says of itself when it owns node-2's slots, or serves as a replica. */
const rule = (answers: Answers, node: string, configEpoch: number, open: Answers['topology'][number]['open'] = []): void =>
  line(answers, idOf(node), { flags: ['myself', 'master'], slots, primary: null, configEpoch, open });
const serve = (answers: Answers, node: string, primary: string): void =>
  line(answers, idOf(node), { flags: ['myself', 'slave'], slots: [], primary: idOf(primary), configEpoch: 7 });

/** node-5 takes over at 2 s, node-2 does not hear of it before `heardAtMs`. */
const failover =
  (heardAtMs: number): Change =>
  (answers, node, atMs) => {
    if (node === 'node-5' && atMs > 2_000) rule(answers, node, 7);
    if (node === 'node-2' && atMs > heardAtMs) serve(answers, node, 'node-5');
  };

const of = (change: Change, history: string | readonly Operation[], excuse: Excuse = () => false): SplitBrain =>
  checked(history, () => splitBrainCheck(claimsOf(film({ change })), excuse));
const clean = { overlaps: [], totalMs: 0, acknowledgements: { total: 0, outside: 0, examples: [] }, undecided: 0 };

describe('two primaries that both acknowledge', () => {
  const history = `
    1000-1001 c1 node-2 set k 1
    2000-2001 c1 node-5 set k 2
    2100-2101 c2 node-2 set k 3
    2200-2201 c1 node-5 set k 4
    2201.5-2202 c1 node-5 set k 5
    2300-2310 c2 node-2 set k 6
    2950-2951 c1 node-5 set k 7
  `;
  it('are found with their writes and their time', () => {
    const found = of(failover(2_900), history);
    expect(found.clients).toMatchObject({
      overlaps: [{ a: 'node-2', b: 'node-5', fromMs: 2_100, toMs: 2_310, slots: [7629], acknowledgements: { a: 2, b: 3 } }],
      totalMs: 210,
      acknowledgements: { total: 2, outside: 2 },
      undecided: 0,
    });
    expect(found.clients.acknowledgements.examples[0]).toEqual({
      id: 3,
      key: 'k',
      slot: 7629,
      node: 'node-2',
      sentAtMs: 2_100,
      acknowledgedAtMs: 2_101,
      rival: 'node-5',
      rivalAtMs: 2_001,
      outside: true,
    });
    expect(found.nodes).toMatchObject({ overlaps: [{ a: 'node-2', b: 'node-5', slots: 5462 }] });
    expect(found.nodes.totalMs).toBeGreaterThan(700);
    expect(found.nodes.totalMs).toBeLessThan(1_000);
  });
  it('are excused within the window of the older owner', () =>
    expect(of(failover(2_900), history, (node, atMs) => node === 'node-2' && atMs < 2_200).clients.acknowledgements).toMatchObject({
      total: 2,
      outside: 1,
    }));
  it('are found where the old one froze and is seen again as a replica', () => {
    const frozen: Change = (answers, node, atMs) =>
      node === 'node-2' && atMs > 900 && atMs < 3_000 ? false : failover(3_000)(answers, node, atMs);
    const thawed = `
      800-801   c1 node-2 set k 1
      2500-2501 c1 node-5 set k 2
      2800-2999 c2 node-2 set k 3
    `;
    const found = of(frozen, thawed);
    expect(found.clients).toMatchObject({ overlaps: [{ fromMs: 2_800, toMs: 2_999, acknowledgements: { a: 1, b: 1 } }] });
    // It said nothing in between, so by the nodes' own words there was one primary at a time.
    expect(found.nodes).toEqual({ overlaps: [], totalMs: 0 });
  });
  it('are found by their words alone where no client wrote', () => {
    const found = of(failover(2_900), '1000-1001 c1 node-2 set k 1');
    expect(found.clients).toEqual(clean);
    expect(found.nodes.overlaps).toHaveLength(1);
  });
  it('do not accept writes while one says that the state is fail', () =>
    expect(
      of((answers, node, atMs) => {
        failover(2_900)(answers, node, atMs);
        if (node === 'node-2' && atMs > 1_500) answers['cluster-info'] = { ...answers['cluster-info'], state: 'fail' };
      }, '').nodes.overlaps,
    ).toEqual([]));
  it('at two times are two overlaps', () => {
    const twice: Change = (answers, node, atMs) => {
      if (node === 'node-5' && atMs > 2_000) rule(answers, node, 7);
    };
    const found = of(
      twice,
      `
      2200-2201 c1 node-5 set k 2
      2300-2301 c2 node-2 set k 3
      6200-6201 c1 node-5 set k 4
      6300-6302 c2 node-2 set k 5
    `,
    );
    expect(found.clients.overlaps).toMatchObject([
      { fromMs: 2_300, toMs: 2_301 },
      { fromMs: 6_300, toMs: 6_302 },
    ]);
    expect(found.clients.totalMs).toBe(3);
  });
});

describe('a slot that changes hands', () => {
  it('by a failover is no split brain', () =>
    expect(
      of(
        failover(1_900),
        `
        1000-1001 c1 node-2 set k 1
        1998-2100 c2 node-2 set k 3   // under way when the other one began
        1995-2001 c1 node-5 set k 2
        2500-2501 c1 node-5 set k 4
      `,
      ),
    ).toEqual({ clients: clean, nodes: { overlaps: [], totalMs: 0 } }));

  const failback =
    (seen: boolean): Change =>
    (answers, node, atMs) => {
      if (node === 'node-5' && atMs > 2_000 && atMs < 4_000) rule(answers, node, 7);
      if (node === 'node-5' && atMs >= 4_000) serve(answers, node, 'node-2');
      if (node === 'node-2' && atMs > 1_900 && atMs < 4_000) {
        if (!seen) return false;
        serve(answers, node, 'node-5');
      }
      if (node === 'node-2' && atMs >= 4_000) rule(answers, node, 8);
    };
  const thereAndBack = `
    1000-1001 c1 node-2 set k 1
    2500-2501 c1 node-5 set k 2
    3990-3991 c1 node-2 set k 3     // a little before the probe sees it
    4500-4501 c1 node-2 set k 4
  `;
  it('and comes back is no split brain', () => expect(of(failback(true), thereAndBack).clients).toEqual(clean));
  it('and comes back unseen is undecided', () => expect(of(failback(false), thereAndBack).clients).toEqual({ ...clean, undecided: 1 }));
  it('and comes back unseen, to a node that dies again, is told by what others say', () => {
    const died: Change = (answers, node, atMs) => {
      if (node === 'node-5' && atMs > 2_000) rule(answers, node, 7);
      if (node === 'node-2' && atMs > 1_900) return false;
      if (atMs > 4_000) line(answers, idOf('node-2'), { flags: ['master', 'fail'] });
      return undefined;
    };
    const history = `
      1000-1001 c1 node-2 set k 1
      2500-2501 c1 node-5 set k 2
      3990-3991 c1 node-2 set k 3
    `;
    expect(of(died, history).clients).toMatchObject({ acknowledgements: { total: 1 } });
    const known: Change = (answers, node, atMs) => {
      if (node === 'node-3' && atMs > 1_800) line(answers, idOf('node-2'), { configEpoch: 8 });
      return died(answers, node, atMs);
    };
    expect(of(known, history).clients).toEqual({ ...clean, undecided: 1 });
  });

  const open = (slot: number, direction: 'migrating' | 'importing', peer: string) => [{ slot, direction, peer: idOf(peer) }];
  const without = [
    [5461, 7628],
    [7630, 10_922],
  ] as const;
  it('by migration is no split brain, though both acknowledge while it lasts', () => {
    const migration: Change = (answers, node, atMs) => {
      if (node === 'node-2' && atMs > 2_000 && atMs < 3_000) line(answers, idOf(node), { open: open(7629, 'migrating', 'node-3') });
      if (node === 'node-3' && atMs > 2_000 && atMs < 2_950) line(answers, idOf(node), { open: open(7629, 'importing', 'node-2') });
      if (node === 'node-2' && atMs > 3_000) line(answers, idOf(node), { slots: without });
      // The target is told first, so for a moment both own it.
      if (node === 'node-3' && atMs > 2_900)
        line(answers, idOf(node), {
          slots: [
            [7629, 7629],
            [10_923, 16_383],
          ],
          configEpoch: 7,
        });
    };
    expect(
      of(
        migration,
        `
        1000-1001 c1 node-2 set k 1
        2500-2501 c1 node-3 set k 2
        2600-2601 c1 node-2 set {k}2 3
        2990-2991 c1 node-3 set k 4
        3500-3501 c1 node-3 set k 5
      `,
      ),
    ).toEqual({ clients: clean, nodes: { overlaps: [], totalMs: 0 } });
  });
  it('by a migration too short to be seen is undecided, never split brain', () => {
    const quick: Change = (answers, node, atMs) => {
      if (node === 'node-2' && atMs > 3_000) line(answers, idOf(node), { slots: without });
    };
    expect(
      of(
        quick,
        `
        2910-2911 c1 node-2 set k 1
        2920-2921 c1 node-3 set k 2
        2930-2931 c1 node-2 set {k}2 3
      `,
      ).clients,
    ).toEqual({ ...clean, undecided: 1 });
  });
  it('in a record without answers of the nodes is undecided', () =>
    expect(
      of(
        () => false,
        `
        1000-1001 c1 node-2 set k 1
        2000-2001 c1 node-5 set k 2
        2100-2101 c1 node-2 set k 3
        2200-2201 c1 node-2 set k 4
      `,
      ).clients,
    ).toEqual({ ...clean, undecided: 1 }));
  it('is told from writes that were acknowledged: what failed or is unknown, reads, and nodes that nobody knows do not count', () =>
    expect(
      of(
        failover(2_900),
        `
        2000-2001 c1 node-5 set k 2
        2100-2101 c2 node-2 set k 3 failed:moved
        2200-2201 c2 node-2 set k 4 unknown:timeout
        2300-2301 c2 node-2 get k 2
        2400-2401 c2 - set k 5
      `,
      ).clients,
    ).toEqual(clean));
});

describe('any legal course of failovers', { timeout: 60_000 }, () => {
  it('is no split brain, whatever the clients do', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 600, max: 2_500 }), { maxLength: 4 }),
        fc.array(
          fc.record({
            sentAtMs: fc.integer({ min: 300, max: 9_000 }),
            beforeMs: fc.integer({ min: 1, max: 300 }),
            afterMs: fc.integer({ min: 1, max: 300 }),
          }),
          {
            maxLength: 80,
          },
        ),
        (terms, calls) => {
          // Owners take turns, each with a higher epoch.
          let beganMs = 0;
          const begins = [0, ...terms.map((term) => (beganMs += term))];
          const termAt = (atMs: number): number => begins.findLastIndex((begin) => begin <= atMs);
          const owner = (atMs: number): string => (termAt(atMs) % 2 === 0 ? 'node-2' : 'node-5');
          const change: Change = (answers, node, atMs) => {
            if (node !== 'node-2' && node !== 'node-5') return;
            if (owner(atMs) === node) rule(answers, node, 7 + termAt(atMs));
            else serve(answers, node, owner(atMs));
          };
          const history = made(
            calls
              .map(
                ({ sentAtMs, beforeMs, afterMs }, id) =>
                  `${sentAtMs}-${sentAtMs + beforeMs + afterMs} c1 ${owner(sentAtMs + beforeMs)} set k ${id}`,
              )
              .join('\n'),
          );
          expect(of(change, history)).toEqual({ clients: clean, nodes: { overlaps: [], totalMs: 0 } });
        },
      ),
      { numRuns: 30, seed: 4 },
    ));
});
