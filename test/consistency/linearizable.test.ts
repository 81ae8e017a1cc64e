import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { Excuse } from '../../src/consistency.ts';
import type { Step, Violation } from '../../src/consistency/counterexample.ts';
import { type Linearizability, linearizabilityCheck } from '../../src/consistency/linearizable.ts';
import { foreign, nothing, type Operation, type Outcome } from '../../src/timeline/history.ts';
import { checked, indexOf, made, scan } from './made.ts';
import { contradictory, inexplicable, someOrder, someOrderFound } from './orders.ts';

const never: Excuse = () => false;
const check = (history: string | readonly Operation[], excuse: Excuse = never, withinMs = 60_000): Linearizability =>
  checked(history, (writes) => linearizabilityCheck(writes, excuse, { withinMs }));

const idOfRead = ({ window }: Violation): number => (window.at(-1) as Step).id;
const violationsOf = (history: readonly Operation[]): readonly Violation[] => check(history).notLinearizable.examples;

describe('a register is linearizable', () => {
  const cases: Readonly<Record<string, string>> = {
    'when nobody wrote': '0-1 c1 n1 get k nothing',
    'when reads return what was written last': `
      0-1 c1 n1 set k 1
      2-3 c2 n1 get k 1
      4-5 c1 n1 set k 2
      6-7 c2 n1 get k 2
      final n1 get k 2`,
    'when a read returns either of two values while the second is being written': `
      0-1 c1 n1 set k 1
      2-9 c1 n1 set k 2
      3-4 c2 n1 get k 1
      5-6 c2 n1 get k 2`,
    'when concurrent writes are seen in the order that is not the one of their sending': `
      0-10 c1 n1 set k 1
      1-9  c2 n1 set k 2
      11-12 c3 n1 get k 1
      13-14 c3 n1 get k 1`,
    'when a read that began before a write returns the older value after its end': `
      0-1 c1 n1 set k 1
      2-9 c2 n1 get k 1
      3-4 c1 n1 set k 2`,
    'when a write of unknown outcome is seen late': `
      0-1   c1 n1 set k 1
      2-3   c1 n1 set k 2 unknown:timeout
      4-5   c2 n1 get k 1
      90-91 c2 n1 get k 2`,
    'when a write of unknown outcome is never seen': `
      0-1 c1 n1 set k 1
      2-3 c1 n1 set k 2 unknown:reset
      4-5 c2 n1 get k 1
      final n1 get k 1`,
    'when a write of unknown outcome happens after one that was sent and acknowledged later': `
      0-1 c1 n1 set k 1 unknown:timeout
      2-3 c2 n1 set k 2
      4-5 c3 n1 get k 2
      6-7 c3 n1 get k 1
      final n1 get k 1`,
    'when a write of unknown outcome is read while it is in flight': `
      0-20 c1 n1 set k 1 unknown:timeout
      1-2  c2 n1 get k 1
      3-4  c2 n1 set k 2
      5-6  c2 n1 get k 2`,
    'when a failed write is not seen': `
      0-1 c1 n1 set k 1
      2-3 c1 n1 set k 2 failed:moved
      4-5 c2 n1 get k 1`,
    'when operations touch at one moment, which could have been either way': `
      0-5  c1 n1 set k 1
      5-9  c2 n1 set k 2
      9-10 c3 n1 get k 1
      10-11 c3 n1 get k 1`,
    'whatever replicas answered': `
      0-1 c1 n1 set k 1
      2-3 c1 n1 set k 2
      4-5 c2 n2 get k 1 replica
      final n1 get k 2
      final n2 get k 1 replica
      final n3 get k failed:moved`,
    'when a value was read whose write is not in the history, as in a run that was cut off': `
      0-1 c1 n1 set k 1
      2-3 c2 n1 get k 77
      4-5 c2 n1 get k 77`,
    'whatever the other key holds': `
      0-1 c1 n1 set k 1
      2-3 c1 n2 set m 2
      4-5 c2 n1 get k 1
      6-7 c2 n2 get m 2`,
    'as pairs are': `
      0-1 c1 n1 set-pair p 1
      2-3 c2 n1 get-pair p 1 1
      4-9 c1 n1 set-pair p 2
      5-6 c2 n1 get-pair p 1 1
      7-8 c2 n1 get-pair p 2 2`,
  };
  for (const [what, history] of Object.entries(cases))
    it(what, () => {
      const { keys, linearizable, notLinearizable, unknown } = check(history);
      expect(notLinearizable).toEqual({ total: 0, outside: 0, examples: [] });
      expect(linearizable).toBe(keys);
      expect(unknown.keys).toBe(0);
    });
});

describe('a register is not linearizable', () => {
  interface Case {
    readonly history: string;
    /** Ids; the operations of each expected window. */
    readonly windows: readonly (readonly number[])[];
    readonly explanation: string;
  }
  const cases: Readonly<Record<string, Case>> = {
    'when a read is stale': {
      history: `
        3000-3100 c1 n1 set k 17
        3800-3900 c2 n1 set k 23
        4200-4210 c3 n4 get k 17 #50`,
      windows: [[17, 23, 50]],
      explanation:
        'n4 returned 17 to client 3 at 4.210 s although 23 had been acknowledged by n1 at 3.900 s, and 17 was over before 23 began',
    },
    'when an acknowledged write was lost in a failover, once for all reads of what came back': {
      history: `
        0-1   c1 n1 set k 1
        2-3   c1 n1 set k 2
        4-5   c1 n1 set k 3
        20-21 c2 n2 get k 1 #50
        22-23 c2 n2 get k 1
        24-25 c1 n2 set k 4
        26-27 c2 n2 get k 4
        final n2 get k 4`,
      windows: [[1, 3, 50]],
      explanation: 'n2 returned 1 to client 2 at 0.021 s although 3 had been acknowledged by n1 at 0.005 s, and 1 was over before 3 began',
    },
    'when all was lost': {
      history: `
        0-1 c1 n1 set k 1
        2-3 c1 n1 set k 2
        4-5 c2 n2 get k nothing #50
        6-7 c2 n2 get k nothing`,
      windows: [[2, 50]],
      explanation: 'n2 returned nothing to client 2 at 0.005 s although 2 had been acknowledged by n1 at 0.003 s',
    },
    'when the loss shows only in the end': {
      history: `
        0-1 c1 n1 set k 1
        2-3 c2 n2 set k 2
        final n1 get k 1`,
      windows: [[1, 2, 1002]],
      explanation: 'n1 returned 1 to client 0 at 1.006 s although 2 had been acknowledged by n2 at 0.003 s, and 1 was over before 2 began',
    },
    'when a write was visible before it began': {
      history: `
        0-1 c2 n1 get k 1 #50
        2-3 c1 n1 set k 1`,
      windows: [[1, 50]],
      explanation: 'n1 returned 1 to client 2 at 0.001 s, before it was sent at 0.002 s',
    },
    'when a failed write is seen': {
      history: `
        0-1 c1 n1 set k 1 failed:clusterdown
        2-3 c2 n1 get k 1 #50
        4-5 c2 n1 get k 1`,
      windows: [[1, 50]],
      explanation: 'n1 returned 1 to client 2 at 0.003 s although its write had failed at 0.001 s',
    },
    'when a value is of nobody': {
      history: `
        0-1 c1 n1 set k 1
        2-3 c2 n1 get k foreign #50
        4-5 c2 n1 get k foreign`,
      windows: [[50]],
      explanation: 'n1 returned a value to client 2 at 0.003 s that no client has written',
    },
    'when a value is of another key': {
      history: `
        0-1 c1 n1 set m 1
        2-3 c1 n1 set k 2
        4-5 c2 n1 get k 1 #50`,
      windows: [[50]],
      explanation: 'n1 returned 1 to client 2 at 0.005 s, which is the value of another key',
    },
    'when a write of unknown outcome was seen, and then no more': {
      history: `
        0-1 c1 n1 set k 1
        2-3 c1 n1 set k 2 unknown:timeout
        4-5 c2 n1 get k 2 #50
        6-7 c2 n2 get k 1 #51`,
      windows: [[1, 50, 51]],
      explanation:
        'n2 returned 1 to client 2 at 0.007 s although 2 had been returned by n1 at 0.005 s, and 1 was over before a read that returned 2 began at 0.004 s',
    },
    'when a write of unknown outcome is seen, replaced and seen again': {
      history: `
        0-1 c1 n1 set k 1 unknown:timeout
        2-3 c2 n1 get k 1 #50
        4-5 c1 n2 set k 2
        6-7 c2 n1 get k 1 #51`,
      windows: [[50, 2, 51]],
      explanation:
        'n1 returned 1 to client 2 at 0.007 s although 2 had been acknowledged by n2 at 0.005 s, and 1 had been returned by n1 at 0.003 s before 2 began',
    },
    'when two readers disagree on the order of concurrent writes': {
      history: `
        0-30  c1 n1 set k 1
        0-30  c2 n2 set k 2
        10-11 c3 n1 get k 1 #50
        12-13 c3 n1 get k 2 #51
        14-15 c4 n2 get k 1 #52`,
      windows: [[50, 51, 52]],
      explanation:
        'n2 returned 1 to client 4 at 0.015 s although 2 had been returned by n1 at 0.013 s, and 1 had been returned by n1 at 0.011 s before a read that returned 2 began at 0.012 s',
    },
    'when each of two values was seen on either side of the other': {
      history: `
        0-30  c1 n1 set k 1
        0-30  c2 n2 set k 2
        1-2   c3 n1 get k 1 #50
        3-20  c4 n1 get k 2 #51
        1-4   c5 n2 get k 2 #52
        5-25  c6 n2 get k 1 #53`,
      windows: [[50, 52, 51, 53]],
      explanation:
        'n2 returned 1 to client 6 at 0.025 s although 2 had been returned by n2 at 0.004 s, and 1 had been returned by n1 at 0.002 s before a read that returned 2 began at 0.003 s',
    },
    'when two primaries serve it by turns, once for every return to the past': {
      history: `
        0-1   c1 n1 set k 1
        2-3   c2 n2 set k 2
        4-5   c1 n1 get k 1 #50
        6-7   c2 n2 get k 2 #51
        8-9   c1 n1 get k 1 #52
        10-11 c1 n1 get k 1 #53`,
      windows: [
        [1, 2, 50],
        [50, 51, 52],
      ],
      explanation: 'n1 returned 1 to client 1 at 0.005 s although 2 had been acknowledged by n2 at 0.003 s, and 1 was over before 2 began',
    },
    'when a client does not read its own write': {
      history: `
        0-1 c1 n1 set k 1
        0-9 c3 n1 get k 1
        2-3 c2 n1 set k 2
        4-5 c2 n1 get k 1 #50`,
      windows: [[1, 2, 50]],
      explanation: 'n1 returned 1 to client 2 at 0.005 s although 2 had been acknowledged by n1 at 0.003 s, and 1 was over before 2 began',
    },
    'as a pair': {
      history: `
        0-1 c1 n1 set-pair p 1
        2-3 c1 n1 set-pair p 2
        4-5 c2 n2 get-pair p 1 1 #50`,
      windows: [[1, 2, 50]],
      explanation: 'n2 returned 1 to client 2 at 0.005 s although 2 had been acknowledged by n1 at 0.003 s, and 1 was over before 2 began',
    },
  };
  for (const [what, { history, windows, explanation }] of Object.entries(cases))
    it(what, () => {
      const { notLinearizable, linearizable, keys } = check(history);
      expect(notLinearizable.examples.map(({ window }) => window.map(({ id }) => id))).toEqual(windows);
      expect(notLinearizable.examples[0]?.explanation).toBe(explanation);
      expect(notLinearizable).toMatchObject({ total: windows.length, outside: windows.length });
      expect(keys - linearizable).toBe(1);
    });
});

describe('a violation is excused', () => {
  const lost = `
    0-1 c1 n1 set k 1
    2-3 c1 n1 set k 2
    4-5 c2 n2 get k 1`;
  const outside = (excuse: Excuse, history = lost): number => check(history, excuse).notLinearizable.outside;
  it('when the engine promises nothing of the node that acknowledged what was lost, at that moment', () =>
    expect(outside((node, atMs) => node === 'n1' && atMs === 3)).toBe(0));
  it('when it promises nothing of the node that answered the read, at that moment', () =>
    expect(outside((node, atMs) => node === 'n2' && atMs === 5)).toBe(0));
  it('when it promises nothing of the node that let a write be read which was never acknowledged and is gone', () => {
    const gone = `
      0-1  c1 n1 set k 1
      2-20 c1 n1 set k 2 unknown:wait
      4-5  c2 n1 get k 2
      8-9  c2 n2 get k 1`;
    expect(outside((node, atMs) => node === 'n1' && atMs === 5, gone)).toBe(0);
    expect(outside((node, atMs) => node === 'n1' && atMs === 20, gone)).toBe(1);
  });
  it('but not for the same nodes at other moments', () => expect(outside((_, atMs) => atMs === 4)).toBe(1));
  it('also when the write was acknowledged only after the read that is contradicted', () =>
    expect(
      outside(
        (node, atMs) => node === 'n9' && atMs === 90,
        `
        0-1  c1 n1 set k 1
        2-90 c1 n9 set k 2
        4-5  c2 n1 get k 2
        6-7  c2 n1 get k 1`,
      ),
    ).toBe(0));
  it('but never when it is of a value that nobody can have written', () => {
    expect(outside(() => true, '2-3 c2 n1 get k foreign')).toBe(1);
    expect(outside(() => true, '0-1 c2 n1 set k 1 failed:moved\n2-3 c2 n1 get k 1')).toBe(1);
  });
  it('and comes behind those that are not', () => {
    const { examples, total } = check(
      `${lost}
      0-1 c1 n3 set m 11
      2-3 c1 n3 set m 12
      6-7 c2 n4 get m 11`,
      (node) => node === 'n1',
    ).notLinearizable;
    expect(total).toBe(2);
    expect(examples.map(({ key }) => key)).toEqual(['m', 'k']);
  });
});

it('a key that could not be finished in time is unknown and named, unless it is known to be violated', () => {
  const { keys, linearizable, notLinearizable, unknown } = check(
    `
    0-1 c1 n1 get k foreign
    2-3 c1 n1 set k 1
    4-5 c1 n1 set m 2`,
    never,
    -1,
  );
  expect({ keys, linearizable, violations: notLinearizable.total }).toEqual({ keys: 2, linearizable: 0, violations: 0 });
  expect(unknown).toEqual({ keys: 2, named: ['k', 'm'], because: expect.stringContaining('-1 ms') });
});

it('keys, operations and slots are counted and told', () => {
  const { keys, operations, notLinearizable } = check(`
    0-1 c1 n1 set k 1
    0-1 c1 n1 append l 2
    2-3 c2 n1 get m nothing
    4-5 c2 n1 set k 3 unknown:timeout
    6-7 c2 n1 get k failed:moved
    8-9 c2 n1 get k foreign`);
  expect({ keys, operations }).toEqual({ keys: 2, operations: 3 });
  expect(notLinearizable.examples[0]).toMatchObject({ key: 'k', slot: 7629, node: 'n1', atMs: 9, reason: 'foreign' });
});

interface Shape {
  readonly clients: number;
  readonly operations: number;
  /** The longest operation, and pause between two of a client. */
  readonly longestMs: number;
  readonly pauseMs: number;
}

/** What clients see of a register that takes each operation at one moment; what is unknown may be taken later or never. */
function simulated(random: Random, { clients, operations, longestMs, pauseMs }: Shape): Operation[] {
  const free = Array.from({ length: clients }, () => random.integer(0, pauseMs));
  const history: Operation[] = [];
  const moments: { readonly atMs: number; readonly operation: Operation }[] = [];
  for (let id = 1; id <= operations; id++) {
    const client = random.integer(0, clients - 1);
    const sentAtMs = free[client] as number;
    const doneAtMs = sentAtMs + random.integer(1, longestMs);
    free[client] = doneAtMs + random.integer(0, pauseMs);
    const isWrite = random.integer(0, 9) < 5;
    const chance = random.integer(0, 9);
    const outcome: Outcome = !isWrite || chance > 2 ? 'ok' : chance === 0 ? 'failed' : 'unknown';
    const operation: Operation = {
      id,
      client,
      verb: isWrite ? 'set' : 'get',
      key: 'k',
      slot: 7629,
      node: `n${random.integer(1, 3)}`,
      dueAtMs: sentAtMs,
      sentAtMs,
      doneAtMs,
      outcome,
      reason: null,
      value: id,
      values: [],
      final: false,
      replica: false,
    };
    history.push(operation);
    const latestMs = outcome === 'ok' ? doneAtMs : doneAtMs + 3 * longestMs;
    if (outcome === 'ok' || (outcome === 'unknown' && random.integer(0, 2) > 0))
      moments.push({ atMs: sentAtMs + ((latestMs - sentAtMs) * random.integer(1, 999)) / 1000, operation });
  }
  let value = nothing;
  const seen = new Map<number, number>();
  for (const { operation } of moments.toSorted((a, b) => a.atMs - b.atMs))
    if (operation.verb === 'set') value = operation.value;
    else seen.set(operation.id, value);
  return history
    .map((operation) => ({ ...operation, value: seen.get(operation.id) ?? operation.value }))
    .toSorted((a, b) => a.doneAtMs - b.doneAtMs);
}

/** One read returns something else than it did. */
function mutated(random: Random, history: readonly Operation[]): Operation[] {
  const reads = history.filter(({ verb }) => verb === 'get');
  if (reads.length === 0) return [...history];
  const wrong = random.pick(reads);
  const value =
    random.integer(0, 19) === 0
      ? foreign
      : random.pick([nothing, ...history.filter(({ verb }) => verb === 'set').map(({ value: id }) => id)]);
  return history.map((operation) => (operation === wrong ? { ...operation, value } : operation));
}

const small = (random: Random): Operation[] => {
  const shape = {
    clients: random.integer(1, 3),
    operations: random.integer(2, 7),
    longestMs: random.integer(1, 12),
    pauseMs: random.integer(0, 4),
  };
  let history = simulated(random, shape);
  for (let times = random.integer(0, 3); times > 0; times--) history = mutated(random, history);
  return history;
};

describe('on random histories the check', () => {
  it('agrees with the trying of all orders, 10,000 times of 10,000, on every violation of each', () => {
    const random = seededRandom(4);
    const figures = { linearizable: 0, not: 0 };
    const disagreements: unknown[] = [];
    for (let round = 0; round < 10_000; round++) {
      const history = small(random);
      const expected = inexplicable(history);
      const found = violationsOf(history).map(idOfRead);
      if (expected.length === 0) figures.linearizable++;
      else figures.not++;
      if (found.join() !== expected.join()) disagreements.push({ round, history, found, expected });
    }
    expect(disagreements).toEqual([]);
    expect(Math.min(figures.linearizable, figures.not)).toBeGreaterThan(2_000);
  });

  it('agrees with a search on longer ones, where much has been dropped', () => {
    const random = seededRandom(5);
    for (let round = 0; round < 300; round++) {
      let history = simulated(random, {
        clients: random.integer(1, 4),
        operations: 40,
        longestMs: random.integer(1, 12),
        pauseMs: random.integer(0, 6),
      });
      for (let times = random.integer(0, 3); times > 0; times--) history = mutated(random, history);
      expect(violationsOf(history).map(idOfRead), `round ${round}`).toEqual(inexplicable(history, someOrderFound));
    }
  });

  it('finds nothing where a register took each operation at one moment', () => {
    const random = seededRandom(6);
    for (let round = 0; round < 300; round++)
      expect(
        violationsOf(simulated(random, { clients: random.integer(1, 20), operations: 300, longestMs: 20, pauseMs: random.integer(0, 10) })),
      ).toEqual([]);
  });

  it('finds a read that returns an older value exactly when no order explains it', () => {
    const random = seededRandom(7);
    let found = 0;
    for (let round = 0; round < 2_000; round++) {
      const history = simulated(random, { clients: 3, operations: 7, longestMs: 6, pauseMs: 3 });
      const wrong = history.findLast(({ verb, value }) => verb === 'get' && value !== nothing);
      const older = history.find(({ verb, outcome }) => verb === 'set' && outcome === 'ok');
      if (!wrong || !older) continue;
      const swapped = history.map((operation) => (operation === wrong ? { ...operation, value: older.value } : operation));
      const violated = inexplicable(swapped).length > 0;
      expect(violationsOf(swapped).length > 0, `round ${round}`).toBe(violated);
      if (violated) found++;
    }
    expect(found).toBeGreaterThan(200);
  });

  it('gives windows that are contradictions, and none without any one of their operations', () => {
    const random = seededRandom(8);
    let windows = 0;
    for (let round = 0; round < 5_000; round++) {
      const history = small(random);
      for (const { window, reason } of violationsOf(history)) {
        const operations = window.map(({ id }) => history.find((operation) => operation.id === id) as Operation);
        const isOne = (some: readonly Operation[]): boolean => contradictory(some, reason === 'overwritten');
        expect(isOne(operations), `round ${round}`).toBe(true);
        for (const left of operations) expect(isOne(operations.filter((operation) => operation !== left)), `round ${round}`).toBe(false);
        windows++;
      }
    }
    expect(windows).toBeGreaterThan(1_000);
  });

  it('says the same when it drops nothing', () => {
    const random = seededRandom(9);
    let violations = 0;
    for (let round = 0; round < 200; round++) {
      let history = simulated(random, {
        clients: random.integer(1, 6),
        operations: 1_000,
        longestMs: random.integer(1, 30),
        pauseMs: random.integer(0, 9),
      });
      for (let times = random.integer(0, 9); times > 0; times--) history = mutated(random, history);
      const whole = checked(history, (writes) => {
        writes.longestMs = Number.POSITIVE_INFINITY;
        return linearizabilityCheck(writes, never, { withinMs: 60_000 });
      });
      expect(check(history), `round ${round}`).toEqual(whole);
      violations += whole.notLinearizable.total;
    }
    expect(violations).toBeGreaterThan(200);
  });

  it('says the same of a key alone and among others', () => {
    const random = seededRandom(10);
    for (let round = 0; round < 100; round++) {
      const parts = ['a', 'b', 'c'].map((key, index) => {
        const shift = (value: number): number => (value < 0 ? value : value + 1000 * index);
        return mutated(random, simulated(random, { clients: 3, operations: 50, longestMs: 8, pauseMs: 4 })).map((operation) => ({
          ...operation,
          key,
          id: shift(operation.id),
          value: shift(operation.value),
        }));
      });
      const together = parts.flat().toSorted((a, b) => a.doneAtMs - b.doneAtMs);
      const ids = (history: readonly Operation[]): number[] =>
        violationsOf(history)
          .map(idOfRead)
          .toSorted((a, b) => a - b);
      expect(ids(together)).toEqual(parts.flatMap(ids).toSorted((a, b) => a - b));
    }
  });
});

describe('the trying of all orders', () => {
  it('and the search agree', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 1_000; round++) {
      const history = small(random);
      expect(inexplicable(history, someOrder)).toEqual(inexplicable(history, someOrderFound));
    }
  });
});

it('a check that is shown a history row by row keeps no row', () => {
  const history = made(`
    0-1 c1 n1 set k 1
    2-3 c1 n1 set k 2
    4-5 c2 n2 get k 1 #50`);
  const one = linearizabilityCheck(indexOf(history), never, { withinMs: 1_000 });
  const names = scan(history, (row, own) => one.see(row, own));
  expect(one.finish(names).notLinearizable.examples[0]?.window.map(({ id }) => id)).toEqual([1, 2, 50]);
});
