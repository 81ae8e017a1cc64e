import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptOfKey, type Reads, readsCheck } from '../../src/consistency/reads.ts';
import type { Excuse } from '../../src/consistency.ts';
import { nothing, type Operation } from '../../src/timeline/history.ts';
import { checked, made } from './made.ts';

const never: Excuse = () => false;
const of = (history: string | readonly Operation[], excuse: Excuse = never): Reads =>
  checked(history, (writes) => readsCheck(writes, excuse));
/** [total, outside] of each kind. */
const counts = ({ stale, nonMonotonic, ownWriteUnseen, phantoms, lackingLost, undecided }: Reads) => ({
  stale: [stale.total, stale.outside],
  nonMonotonic: [nonMonotonic.total, nonMonotonic.outside],
  own: [ownWriteUnseen.total, ownWriteUnseen.outside],
  phantoms: [phantoms.total, phantoms.outside],
  lackingLost,
  undecided,
});
const clean = { stale: [0, 0], nonMonotonic: [0, 0], own: [0, 0], phantoms: [0, 0], lackingLost: 0, undecided: 0 };

describe('the reads of a register', () => {
  it('are sound where each could have been answered from one copy', () =>
    expect(
      counts(
        of(`
          0-1   c2 n1 get k nothing
          2-6   c1 n1 set k 1
          3-4   c2 n1 get k 1          // while it is being written
          5-5.5 c3 n1 get k nothing    // another client may still see it as it was
          7-12  c1 n1 set k 2
          8-13  c4 n1 set k 3
          14-15 c2 n1 get k 2          // either of two concurrent writes may be the last
          16-17 c3 n1 get k 3
        `),
      ),
    ).toEqual(clean));

  it('are stale from the acknowledgement of the first write that replaced the value', () => {
    const reads = of(`
      0-1   c1 n1 set k 1
      2-3   c1 n1 set k 2
      4-10  c1 n2 set k 3
      12-14 c1 n1 set k 4
      13-15 c2 n1 get k 1
    `);
    expect(counts(reads)).toEqual({ ...clean, stale: [1, 1] });
    expect(reads.stale.examples).toEqual([
      {
        id: 1004,
        key: 'k',
        slot: 7629,
        client: 2,
        node: 'n1',
        replica: false,
        sentAtMs: 13,
        doneAtMs: 15,
        returned: 1,
        outside: true,
        expected: 3,
        expectedFrom: 'n2',
        expectedAtMs: 10,
        staleMs: 10,
        versions: 2,
        atLeast: false,
      },
    ]);
    expect(reads.staleness).toMatchObject({ primaries: { count: 1, maxMs: 10 }, replicas: null });
  });

  it('are stale when nothing is there any more', () => {
    const reads = of(`
      0-1 c1 n1 set k 1
      2-3 c1 n1 set k 2
      5-6 c2 n1 get k nothing
    `);
    expect(reads.stale.examples[0]).toMatchObject({ returned: nothing, staleMs: 4, versions: 2, expected: 2 });
  });

  it('count only versions that began after the value was written', () =>
    expect(
      of(`
        0-5   c1 n1 set k 1
        3-7   c2 n1 set k 2         // concurrent with 1
        6-8   c3 n1 set k 3
        10-11 c4 n1 get k 1
      `).stale.examples[0],
    ).toMatchObject({ versions: 1, expected: 3, staleMs: 2 }));

  it('are undecided where the value has no known end', () =>
    expect(
      counts(
        of(`
          0-9   c1 n1 set k 1 unknown:timeout
          10-11 c2 n1 set k 2
          12-13 c3 n1 get k 1
        `),
      ),
    ).toEqual({ ...clean, undecided: 1 }));

  it('of a replica are counted apart and excused', () => {
    const reads = of(`
      0-1 c1 n1 set k 1
      2-3 c1 n1 set k 2
      4-5 c2 n1 get k 2
      6-7 c2 n4 get k 1 replica
    `);
    expect(counts(reads)).toEqual({ ...clean, stale: [1, 0], nonMonotonic: [1, 0] });
    expect(reads.reads).toEqual({ primaries: 1, replicas: 1, final: 0 });
    expect(reads.staleness).toMatchObject({ primaries: null, replicas: { maxMs: 3 } });
  });

  it('are not monotonic where a client goes back', () => {
    const history = `
      0-1   c1 n1 set k 1
      2-20  c1 n1 set k 2
      3-4   c2 n1 get k 2
      5-6   c3 n1 get k 1           // another client: not told apart from a read in time
      7-8   c2 n1 get k 1
      7-8.5 c2 n1 get k 2
    `;
    const reads = of(history);
    expect(counts(reads)).toEqual({ ...clean, nonMonotonic: [1, 0] });
    expect(reads.nonMonotonic.examples[0]).toMatchObject({
      client: 2,
      sentAtMs: 7,
      returned: 1,
      expected: 2,
      expectedFrom: 'n1',
      expectedAtMs: 4,
    });
    expect(counts(of(history.replace('2-20', '2-3.5')))).toEqual({ ...clean, stale: [2, 2], nonMonotonic: [1, 1] });
  });

  it('of the same pipeline have no order', () =>
    expect(
      counts(
        of(`
          0-1  c1 n1 set k 1
          2-20 c1 n1 set k 2
          3-5  c2 n1 get k 2
          4-6  c2 n1 get k 1
        `),
      ),
    ).toEqual(clean));

  it("show a client's own write, or something newer", () => {
    const history = (id: number): string => `
      0-1 c1 n1 set k 1
      2-3 c2 n1 set k 2
      4-5 c3 n1 set k 3
      6-7 c2 n1 get k ${id}
    `;
    expect(counts(of(history(3)))).toEqual(clean);
    expect(counts(of(history(2)))).toEqual({ ...clean, stale: [1, 1] });
    const reads = of(history(1));
    expect(counts(reads)).toEqual({ ...clean, stale: [1, 1], own: [1, 1] });
    expect(reads.ownWriteUnseen.examples[0]).toMatchObject({ client: 2, returned: 1, expected: 2, expectedFrom: 'n1', expectedAtMs: 3 });
  });

  it('are phantoms where nobody wrote what they return', () => {
    const reads = of(`
      0-1   c1 n1 set k 1 failed:clusterdown
      2-3   c2 n1 get k 1
      4-5   c2 n1 get k foreign
      6-7   c2 n1 get k 77
      8-9   c2 n1 get k 5
      10-11 c1 n1 set k 5
      final n1 get k 1
    `);
    expect(counts(reads)).toEqual({ ...clean, phantoms: [5, 5] });
    expect(reads.phantoms.examples.map(({ because }) => because)).toEqual(['failed', 'foreign', 'foreign', 'not-yet-sent', 'failed']);
  });

  it('of what a damaged file no longer tells are undecided', () =>
    expect(counts(checked('2-3 c2 n1 get k 77', (writes) => readsCheck(writes, never, { whole: false })))).toEqual({
      ...clean,
      undecided: 1,
    }));

  describe('after writes were lost', () => {
    const history = `
      0-1   c1 n1 set k 1
      10-11 c1 n1 set k 2
      12-13 c1 n1 get k 2
      20-21 c1 n2 get k 1
    `;
    it('are outside when no window excuses them', () =>
      expect(counts(of(history))).toEqual({ ...clean, stale: [1, 1], nonMonotonic: [1, 1], own: [1, 1] }));
    it('are excused by the node that acknowledged the write', () =>
      expect(counts(of(history, (node, atMs) => node === 'n1' && atMs >= 10))).toEqual({
        ...clean,
        stale: [1, 0],
        nonMonotonic: [1, 0],
        own: [1, 0],
      }));
    it('are excused by the node that answers', () =>
      expect(counts(of(history, (node, atMs) => node === 'n2' && atMs >= 21)).stale).toEqual([1, 0]));
    it('are not excused by a window of another time', () =>
      expect(counts(of(history, (node, atMs) => node === 'n1' && atMs > 11)).stale).toEqual([1, 1]));
    it('are outside when one of the writes was not at risk', () => {
      const more = `${history}\n14-15 c1 n3 set k 3`;
      expect(counts(of(more, (node) => node === 'n1')).stale).toEqual([1, 1]);
    });
  });

  it('at rest are neither stale nor out of order: that is loss', () =>
    expect(counts(of('0-1 c1 n1 set k 1\n2-3 c1 n1 set k 2\nfinal n1 get k 1'))).toEqual(clean));

  it('are never accused for what was forgotten', () => {
    const many = keptOfKey + 100;
    const operations = made(
      [
        ...Array.from({ length: many }, (_, index) => `${2 * index}-${2 * index + 1} c1 n1 set k ${index}`),
        `${2 * many}-${2 * many + 1} c2 n1 get k ${many - 1}`,
        `${2 * many}-${2 * many + 2} c3 n1 get k 5`,
        `${2 * many}-${2 * many + 3} c4 n1 get k nothing`,
        `10.5-${2 * many + 4} c5 n1 get k 3`,
      ].join('\n'),
    );
    const reads = of(operations);
    expect(counts(reads)).toEqual({ ...clean, stale: [2, 2], undecided: 1 });
    expect(reads.stale.examples).toMatchObject([
      { client: 3, atLeast: true, versions: keptOfKey },
      { client: 4, atLeast: false, versions: many, staleMs: 2 * many - 1 },
    ]);
  });
});

describe('the reads of pairs and expiring values', () => {
  it('count the older half of a pair', () => {
    const reads = of(`
      0-1 c1 n1 set-pair p 1
      2-3 c1 n1 set-pair p 2
      4-5 c2 n1 get-pair p 2 1
      6-7 c2 n1 get-pair p 2 2
      8-9 c2 n1 get-pair p 1 1
    `);
    expect(counts(reads)).toEqual({ ...clean, stale: [2, 2], nonMonotonic: [1, 1] });
  });
  it('say nothing of a value that is gone, which time explains', () =>
    expect(
      counts(
        of(`
          0-1 c1 n1 set-expiring e 1 5
          2-3 c1 n1 set-expiring e 2 5
          4-5 c1 n1 get-expiring e nothing
        `),
      ),
    ).toEqual(clean));
  it('find a value that another has replaced', () =>
    expect(
      counts(
        of(`
          0-1 c1 n1 set-expiring e 1 5000
          2-3 c1 n1 set-expiring e 2 5
          9-9.5 c1 n1 get-expiring e 1
        `),
      ),
    ).toEqual({ ...clean, stale: [1, 1], own: [1, 1] }));
});

describe('the reads of lists and sets', () => {
  it('are stale where an acknowledged element is not there yet', () => {
    const reads = of(`
      0-1   c1 n1 append l 1
      2-3   c1 n1 append l 2
      4-5   c1 n1 append l 3
      4.5-7 c2 n1 append l 4
      6-7.5 c3 n1 range l 1
      final n1 range l 1 2 3 4
    `);
    expect(counts(reads)).toEqual({ ...clean, stale: [1, 1] });
    expect(reads.stale.examples[0]).toMatchObject({ returned: 1, versions: 2, staleMs: 3, expected: 3 });
  });
  it('that lack only what is lost are counted apart', () =>
    expect(
      counts(
        of(`
          0-1   c1 n1 add s 1
          2-3   c2 n1 add s 2
          6-7   c3 n2 members s 1
          8-9   c2 n2 members s 1
          final n2 members s 1
        `),
      ),
    ).toEqual({ ...clean, lackingLost: 2, own: [1, 1] }));
  it('are not monotonic where there are fewer elements', () => {
    const history = `
      0-1   c1 n1 add s 1
      2-3   c1 n1 add s 2
      4-5   c3 n1 members s 2 1
      6-7   c3 n2 members s 1
      final n2 members s 1
    `;
    expect(counts(of(history))).toEqual({ ...clean, lackingLost: 1, nonMonotonic: [1, 1] });
    expect(counts(of(history, (node, atMs) => node === 'n1' && atMs === 3)).nonMonotonic).toEqual([1, 0]);
    expect(counts(of(history.replace('c1 n1 add s 2', 'c1 n1 add s 2 unknown:timeout'))).nonMonotonic).toEqual([1, 0]);
  });
  it('may return numbers that no client of ours gets to', () => {
    const reads = of('0-1 c1 n1 set k 1\n2-3 c1 n1 get k 999999999\n4-5 c1 n1 get k 1');
    expect(counts(reads)).toEqual({ ...clean, phantoms: [1, 1] });
  });
  it('contain phantoms', () => expect(counts(of('0-1 c1 n1 append l 1\n2-3 c1 n1 range l 1 foreign')).phantoms).toEqual([1, 1]));
  it('of a queue, from which elements go, are none of this', () =>
    expect(counts(of('0-1 c1 n1 push q 1\n2-3 c1 n1 take q 1\n4-5 c1 n1 range q'))).toEqual(clean));
});

/** Random steps in time: who does what, how long it takes before and after it happens. */
const steps = fc.array(
  fc.record({
    client: fc.integer({ min: 1, max: 4 }),
    key: fc.constantFrom('a', 'b'),
    write: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 5 }),
    beforeMs: fc.integer({ min: 1, max: 30 }),
    afterMs: fc.integer({ min: 1, max: 30 }),
    fate: fc.constantFrom('ok', 'ok', 'ok', 'failed', 'happened', 'lost'),
  }),
  { minLength: 20, maxLength: 80 },
);
type Steps = ReturnType<typeof steps.generate>['value'];

/** A store with one copy: each operation happens at one moment between sending and answer; replicas repeat it `lagMs` later. */
function simulate(plan: Steps, { lagMs, grows = false }: { lagMs: number | null; grows?: boolean }): Operation[] {
  const freeAtMs = new Map<number, number>();
  const planned = plan.map((step, id) => {
    const sentAtMs = (freeAtMs.get(step.client) ?? 0) + step.waitMs + 1;
    const doneAtMs = sentAtMs + step.beforeMs + step.afterMs;
    freeAtMs.set(step.client, doneAtMs);
    return { ...step, id, sentAtMs, atMs: sentAtMs + step.beforeMs, doneAtMs };
  });
  const happened = planned.filter(({ write, fate }) => write && (fate === 'ok' || fate === 'happened')).sort((a, b) => a.atMs - b.atMs);
  return planned
    .map(({ id, client, key, write, fate, sentAtMs, atMs, doneAtMs }): Operation => {
      const seen = happened.filter((other) => other.key === key && other.atMs + (lagMs ?? 0) < atMs).map((other) => other.id);
      const outcome = !write || fate === 'ok' ? 'ok' : fate === 'failed' ? 'failed' : 'unknown';
      return {
        id,
        client,
        verb: grows ? (write ? 'append' : 'range') : write ? 'set' : 'get',
        key,
        slot: 1,
        node: write || lagMs === null ? 'n1' : 'n2',
        dueAtMs: sentAtMs,
        sentAtMs,
        doneAtMs,
        outcome,
        reason: null,
        value: write ? id : grows ? nothing : (seen.at(-1) ?? nothing),
        values: write || !grows ? [] : seen,
        final: false,
        replica: !write && lagMs !== null,
      };
    })
    .sort((a, b) => a.doneAtMs - b.doneAtMs);
}

/** The first acknowledgement that certainly replaced what a read returned, and how many there were; by looking at every pair. */
function replacedBy(read: Operation, operations: readonly Operation[]): { readonly atMs: number; readonly versions: number } | null {
  const value = operations.find(({ id }) => id === read.value);
  if (value && value.outcome !== 'ok') return null;
  const replacing = operations.filter(
    (other) =>
      other.verb === 'set' &&
      other.key === read.key &&
      other.outcome === 'ok' &&
      other.doneAtMs < read.sentAtMs &&
      (!value || value.doneAtMs < other.sentAtMs),
  );
  return replacing.length === 0 ? null : { atMs: Math.min(...replacing.map(({ doneAtMs }) => doneAtMs)), versions: replacing.length };
}

describe('any history', { timeout: 60_000 }, () => {
  it('of a store with one copy has no anomaly', () =>
    fc.assert(
      fc.property(steps, fc.boolean(), (plan, grows) => {
        expect(counts(of(simulate(plan, { lagMs: null, grows })))).toEqual({ ...clean, undecided: expect.any(Number) });
      }),
      { numRuns: 300, seed: 4 },
    ));

  it('of a replica that lags is stale by no more than the lag, and whenever it certainly is', () => {
    let found = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 200 }), (plan, lagMs) => {
        const operations = simulate(plan, { lagMs });
        const reads = of(operations);
        const expected = operations
          .filter(({ verb }) => verb === 'get')
          .flatMap((read) => {
            const replaced = replacedBy(read, operations);
            return replaced ? [{ id: read.id, staleMs: read.sentAtMs - replaced.atMs, versions: replaced.versions }] : [];
          });
        expect(reads.stale.examples.map(({ id, staleMs, versions }) => ({ id, staleMs, versions }))).toEqual(expected);
        expect(reads.stale).toMatchObject({ total: expected.length, outside: 0 });
        // The write happened before its acknowledgement, and the read after it was sent.
        for (const { staleMs, sentAtMs, doneAtMs } of reads.stale.examples)
          expect(staleMs).toBeLessThanOrEqual(lagMs + doneAtMs - sentAtMs);
        expect(reads.staleness.replicas?.maxMs ?? 0).toBe(Math.max(0, ...expected.map(({ staleMs }) => staleMs)));
        found += expected.length;
      }),
      { numRuns: 300, seed: 4 },
    );
    expect(found).toBeGreaterThan(300);
  });

  it('with reads of anything is told as by looking at every pair', () => {
    const sums = { stale: 0, nonMonotonic: 0, own: 0, phantoms: 0 };
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { minLength: 80, maxLength: 80 }), (plan, dice) => {
        const operations = simulate(plan, { lagMs: null }).map((operation, index): Operation => {
          if (operation.verb !== 'get') return operation;
          const values = plan.flatMap(({ key, write }, id) => (write && key === operation.key ? [id] : []));
          return { ...operation, value: [nothing, ...values][(dice[index] ?? 0) % (values.length + 1)] ?? nothing };
        });
        const written = new Map(operations.filter(({ verb }) => verb === 'set').map((write) => [write.id, write]));
        const gets = operations.filter(({ verb }) => verb === 'get');
        const isPhantom = ({ value, doneAtMs }: Operation): boolean =>
          value !== nothing && (written.get(value)?.outcome === 'failed' || (written.get(value)?.sentAtMs ?? 0) > doneAtMs);
        const isOlder = (value: number, than: number): boolean => {
          const write = written.get(value);
          return value === nothing || (write?.outcome === 'ok' && write.doneAtMs < (written.get(than)?.sentAtMs ?? 0));
        };
        const real = gets.filter((read) => !isPhantom(read));
        const expected = {
          stale: real.filter((read) => replacedBy(read, operations)).length,
          nonMonotonic: real.filter((read) =>
            real.some(
              (other) =>
                other.client === read.client &&
                other.key === read.key &&
                other.doneAtMs < read.sentAtMs &&
                other.value !== nothing &&
                isOlder(read.value, other.value),
            ),
          ).length,
          own: real.filter((read) =>
            [...written.values()].some(
              (write) =>
                write.client === read.client &&
                write.key === read.key &&
                write.outcome === 'ok' &&
                write.doneAtMs < read.sentAtMs &&
                isOlder(read.value, write.id),
            ),
          ).length,
          phantoms: gets.length - real.length,
        };
        const { stale, nonMonotonic, ownWriteUnseen, phantoms } = of(operations);
        expect({ stale: stale.total, nonMonotonic: nonMonotonic.total, own: ownWriteUnseen.total, phantoms: phantoms.total }).toEqual(
          expected,
        );
        for (const kind of ['stale', 'nonMonotonic', 'own', 'phantoms'] as const) sums[kind] += expected[kind];
      }),
      { numRuns: 300, seed: 4 },
    );
    for (const sum of Object.values(sums)) expect(sum).toBeGreaterThan(200);
  });
});
