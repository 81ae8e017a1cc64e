import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Excuse } from '../../src/consistency.ts';
import { type Expiry, expiryCheck } from '../../src/consistency/expiry.ts';
import type { Operation } from '../../src/timeline/history.ts';
import { checked } from './made.ts';
import { simulated } from './store.ts';

const expiry = (history: string | readonly Operation[], excuse: Excuse = () => false): Expiry =>
  checked(history, (writes) => expiryCheck(writes, excuse));
const clean = { late: { total: 0 }, early: { total: 0 }, lost: { total: 0 } };

describe('values that live for a time', () => {
  it('are there before it is over, and not after', () =>
    expect(
      expiry(`
      0-10      c1 n1 set-expiring e 1 5000
      20-21     c2 n1 get-expiring e 1
      5900-5905 c2 n1 get-expiring e 1 // Within the allowance.
      4100-4105 c2 n1 get-expiring e nothing // Within it as well.
      9000-9001 c2 n1 get-expiring e nothing
      final n1 get-expiring e nothing`),
    ).toMatchObject({ keys: 1, acknowledged: 1, ...clean, over: 1, undecided: 0 }));
  it('are late when a read that began after it returns them, a replica being no excuse of its own', () => {
    const history = `
      0-10      c1 n1 set-expiring {e} 1 5000
      6010-6020 c2 n1 get-expiring {e} 1
      6011-6020 c2 n1 get-expiring {e} 1
      7000-7001 c2 n2 get-expiring {e} 1 replica`;
    const { late } = expiry(history, (node) => node === 'n2');
    expect(late).toMatchObject({ total: 2, outside: 1 });
    expect(late.examples[0]).toEqual({
      id: 1,
      key: '{e}',
      slot: 15_363,
      node: 'n1',
      replica: false,
      sentAtMs: 6011,
      doneAtMs: 6020,
      found: 1,
      overAtMs: 5010,
    });
  });
  it('are early gone when a primary has nothing, or something older, while nothing can have replaced them', () => {
    const { early } = expiry(
      `
      0-10    c1 n1 set-expiring e 1 9000
      20-30   c1 n1 set-expiring e 2 9000
      40-41   c2 n2 get-expiring e nothing
      42-43   c2 n2 get-expiring e 1
      44-45   c2 n3 get-expiring e nothing
      44-45   c2 n2 get-expiring e nothing replica
      46-47   c2 n1 get-expiring e 2`,
      (node) => node === 'n3',
    );
    expect(early).toMatchObject({ total: 3, outside: 2 });
    expect(early.examples).toEqual([
      expect.objectContaining({ id: 2, node: 'n2', found: 1, overAtMs: 9020 }),
      expect.objectContaining({ id: 2, node: 'n2', found: -1 }),
      expect.objectContaining({ node: 'n3' }),
    ]);
  });
  it.each([
    ['was over by then', '100-110 c1 n1 set-expiring e 2 1500', 0, 0],
    ['was of unknown outcome and is over by then', '15-900 c1 n1 set-expiring e 2 1500 unknown:timeout', 1, 0],
    ['was only done later', '15-8000 c1 n1 set-expiring e 2 1500', 1, 0],
    ['was of unknown outcome long ago', '0-1 c1 n1 set-expiring e 2 1500 unknown:timeout', 1, 0],
    ['failed', '100-110 c1 n1 set-expiring e 2 1500 failed:moved', 0, 1],
    ['lives on as well', '100-110 c1 n1 set-expiring e 2 9000', 0, 1],
    ['was sent later', '2600-2610 c1 n1 set-expiring e 2 1500', 0, 1],
  ])('are early gone only where no other write explains it; one %s: %s', (_, line, undecided, early) =>
    expect(
      expiry(`
      10-20     c1 n1 set-expiring e 1 9000
      ${line}
      2500-2501 c2 n1 get-expiring e nothing`),
    ).toMatchObject({ undecided, early: { total: early } }),
  );
  it('are lost when they are gone at rest before their time', () => {
    expect(
      expiry(
        `
      0-10  c1 n1 set-expiring e 1 90000
      20-30 c1 n1 set-expiring e 2 90000
      20-30 c1 n1 set-expiring f 3 90000
      20-30 c1 n2 set-expiring g 4 90000
      final n1 get-expiring e 1
      final n1 get-expiring f nothing
      final n1 get-expiring g nothing
      final n3 get-expiring f nothing replica`,
        (node) => node === 'n2',
      ),
    ).toMatchObject({
      early: { total: 0 },
      lost: {
        total: 3,
        outside: 2,
        examples: [
          { id: 2, found: '1', outside: true },
          { id: 3, found: 'nothing' },
          { id: 4, outside: false },
        ],
      },
    });
  });
  it('cannot be told where no primary answered, or two say different things', () =>
    expect(
      expiry(`
      0-10  c1 n1 set-expiring e 1 90000
      0-10  c1 n1 set-expiring f 2 90000
      final n1 get-expiring e unknown:timeout
      final n1 get-expiring f nothing
      final n2 get-expiring f 2`),
    ).toMatchObject({ ...clean, undecided: 1, unreadableKeys: { total: 1, examples: ['e'] } }));
  it('are never missed where more writes went on at once than are remembered', () => {
    const many = Array.from({ length: 20 }, (_, index) => `0-${60 + index} c1 n1 set-expiring e ${10 + index} 90000`).join('\n');
    expect(
      expiry(`
      0-59      c1 n1 set-expiring e 1 1500
      ${many}
      3000-3001 c2 n1 get-expiring e nothing`),
    ).toMatchObject({ ...clean, undecided: 1 });
  });
  it('of a store that keeps its promises are never accused', () => {
    fc.assert(
      fc.property(simulated({ verbs: ['set-expiring'], length: 80 }), fc.integer({ min: 1, max: 60 }), (history, stretch) => {
        const slow = history.map((operation) => ({
          ...operation,
          dueAtMs: operation.dueAtMs * stretch,
          sentAtMs: operation.sentAtMs * stretch,
          doneAtMs: operation.doneAtMs * stretch,
          values: operation.values.map((ttlMs) => ttlMs * stretch),
        }));
        expect(expiry(slow)).toMatchObject(clean);
      }),
      { numRuns: 500 },
    );
  });
});
