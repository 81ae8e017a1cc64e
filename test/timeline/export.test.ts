import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportHistory, type Format, type Selection } from '../../src/timeline/export.ts';
import { foreign, HistoryWriter, nothing, type Operation, outcomes, verbs } from '../../src/timeline/history.ts';

const operation: Operation = {
  id: 0,
  client: 0,
  verb: 'set',
  key: 'k',
  slot: 2,
  node: null,
  dueAtMs: 1,
  sentAtMs: 1,
  doneAtMs: 2.5,
  outcome: 'ok',
  reason: null,
  value: nothing,
  values: [],
  final: false,
  replica: false,
};

/** Operations one after the other, each 1 ms after the one before. */
const one = (operations: readonly Partial<Operation>[]): Operation[] =>
  operations.map((given, index) => ({
    ...operation,
    id: index,
    dueAtMs: 2 * index,
    sentAtMs: 2 * index,
    doneAtMs: 2 * index + 1,
    ...given,
  }));

function exported(operations: readonly Partial<Operation>[], format: Format, selection: Selection = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'export-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const writer = new HistoryWriter(folder, (error) => {
    throw error;
  });
  for (const each of one(operations)) writer.add(each);
  writer[Symbol.dispose]();
  let text = '';
  exportHistory(folder, format, selection, (piece) => (text += piece));
  return text;
}

/** What each event has beyond :index, :process and :time, in EDN. */
const essence = (operations: readonly Partial<Operation>[], selection?: Selection): string[] =>
  exported(operations, 'edn', selection)
    .trimEnd()
    .split('\n')
    .map((text) => text.replace(/^\{:index \d+, :type (:\w+), :process \d+, :time \d+, (.*)\}$/, '$1 $2'));

describe('a history of Jepsen', () => {
  it('has an invocation and a completion of each operation, in nanoseconds', () => {
    expect(
      exported(
        [
          { value: 0, node: 'node-1' },
          { client: 1, verb: 'get', value: 0, sentAtMs: 0.0005 },
        ],
        'edn',
      ),
    ).toBe(
      `{:index 0, :type :invoke, :process 0, :time 0, :f :write, :value ["k" 0], :node "node-1"}
{:index 1, :type :invoke, :process 1, :time 500, :f :read, :value ["k" nil]}
{:index 2, :type :ok, :process 0, :time 1000000, :f :write, :value ["k" 0], :node "node-1"}
{:index 3, :type :ok, :process 1, :time 3000000, :f :read, :value ["k" 0]}
`,
    );
  });
  it('is an array in JSON', () => {
    expect(exported([{ value: 0 }], 'json')).toBe(
      `[{"index":0,"type":"invoke","process":0,"time":0,"f":"write","value":["k",0]},
{"index":1,"type":"ok","process":0,"time":1000000,"f":"write","value":["k",0]}]
`,
    );
    expect(exported([], 'json')).toBe('[]\n');
    expect(exported([], 'edn')).toBe('');
  });
  it('has values alone where there is but one key', () =>
    expect(
      essence([{ value: 0 }, { verb: 'get', value: 0 }, { key: 'other', value: 2 }, { verb: 'append', value: 3 }], { key: 'k' }),
    ).toEqual([
      ':invoke :f :write, :value 0',
      ':ok :f :write, :value 0',
      ':invoke :f :read, :value nil',
      ':ok :f :read, :value 0',
      ':invoke :f :txn, :value [[:append "k" 3]]',
      ':ok :f :txn, :value [[:append "k" 3]]',
    ]));
  const kinds: readonly (readonly [Partial<Operation>, invoked: string, answered: string])[] = [
    [{ verb: 'get' }, ':read, :value ["k" nil]', ':ok :f :read, :value ["k" nil]'],
    [{ verb: 'get', value: foreign }, ':read, :value ["k" nil]', ':ok :f :read, :value ["k" -2]'],
    [{ verb: 'append', value: 5 }, ':txn, :value [[:append "k" 5]]', ':ok :f :txn, :value [[:append "k" 5]]'],
    [{ verb: 'range', values: [5, 6] }, ':txn, :value [[:r "k" nil]]', ':ok :f :txn, :value [[:r "k" [5 6]]]'],
    [{ verb: 'range' }, ':txn, :value [[:r "k" nil]]', ':ok :f :txn, :value [[:r "k" []]]'],
    [{ verb: 'add', value: 5 }, ':add, :value ["k" 5]', ':ok :f :add, :value ["k" 5]'],
    [{ verb: 'members', values: [6, 5] }, ':read, :value ["k" nil]', ':ok :f :read, :value ["k" [6 5]]'],
    [{ verb: 'increment', value: 7 }, ':add, :value ["k" 1]', ':ok :f :add, :value ["k" 1]'],
    [{ verb: 'count', value: 7 }, ':read, :value ["k" nil]', ':ok :f :read, :value ["k" 7]'],
    [{ verb: 'count' }, ':read, :value ["k" nil]', ':ok :f :read, :value ["k" 0]'],
    [{ verb: 'push', value: 5 }, ':enqueue, :value ["k" 5]', ':ok :f :enqueue, :value ["k" 5]'],
    [{ verb: 'take', value: 5 }, ':dequeue, :value ["k" nil]', ':ok :f :dequeue, :value ["k" 5]'],
    [{ verb: 'take' }, ':dequeue, :value ["k" nil]', ':fail :f :dequeue, :value ["k" nil], :error :empty'],
    [{ verb: 'finish', value: 5 }, ':finish, :value ["k" 5]', ':ok :f :finish, :value ["k" 5]'],
    [{ verb: 'set-pair', value: 5 }, ':txn, :value [[:w "k/0" 5] [:w "k/1" 5]]', ':ok :f :txn, :value [[:w "k/0" 5] [:w "k/1" 5]]'],
    [
      { verb: 'get-pair', values: [5, -1] },
      ':txn, :value [[:r "k/0" nil] [:r "k/1" nil]]',
      ':ok :f :txn, :value [[:r "k/0" 5] [:r "k/1" nil]]',
    ],
    [{ verb: 'set-expiring', value: 5, values: [90] }, ':write, :value ["k" 5], :ttl 90', ':ok :f :write, :value ["k" 5], :ttl 90'],
    [{ verb: 'get-expiring', value: 5 }, ':read, :value ["k" nil]', ':ok :f :read, :value ["k" 5]'],
    [{ value: 5, outcome: 'failed', reason: 'moved' }, ':write, :value ["k" 5]', ':fail :f :write, :value ["k" 5], :error "moved"'],
    [{ value: 5, outcome: 'unknown', reason: 'timeout' }, ':write, :value ["k" 5]', ':info :f :write, :value ["k" 5], :error "timeout"'],
    [
      { verb: 'take', outcome: 'unknown', reason: 'reset' },
      ':dequeue, :value ["k" nil]',
      ':info :f :dequeue, :value ["k" nil], :error "reset"',
    ],
    [
      { verb: 'get', outcome: 'unknown', reason: 'timeout' },
      ':read, :value ["k" nil]',
      ':fail :f :read, :value ["k" nil], :error "timeout"',
    ],
  ];
  for (const [given, invoked, answered] of kinds) {
    it(`says of ${JSON.stringify(given)} ${answered}`, () => expect(essence([given])).toEqual([`:invoke :f ${invoked}`, answered]));
  }
  it('has every verb', () => expect(new Set(kinds.map(([{ verb }]) => verb ?? 'set'))).toEqual(new Set(verbs)));
  it('spells keys so that every reader of EDN understands them', () =>
    expect(essence([{ key: 'a "b"\\\n\b\u0001é', value: 0 }])[0]).toBe(':invoke :f :write, :value ["a \\"b\\"\\\\\\n\\u0008\\u0001é" 0]'));
  it('never uses a process again whose operation is under way for ever', () => {
    const operations: Partial<Operation>[] = [
      { client: 1, value: 0, outcome: 'unknown', reason: 'timeout' },
      { client: 1, value: 1, outcome: 'unknown', reason: 'timeout' },
      { client: 1, value: 2 },
      { client: 0, value: 3 },
      { client: 1, value: 4 },
    ];
    expect([...exported(operations, 'edn').matchAll(/:invoke, :process (\d+)/g)].map(([, process]) => Number(process))).toEqual([
      1, 3, 5, 0, 5,
    ]);
  });
  it('gives operations at the same time processes of their own, and reads at rest a client of their own', () => {
    const operations: Partial<Operation>[] = [
      { client: 0, value: 0, sentAtMs: 0, doneAtMs: 10 },
      { client: 0, value: 1, sentAtMs: 1, doneAtMs: 11 },
      { client: 0, value: 2, sentAtMs: 10, doneAtMs: 12 },
      { client: 0, value: 3, sentAtMs: 10.5, doneAtMs: 13 },
      { client: 0xffff, verb: 'get', value: 3, final: true, sentAtMs: 14, doneAtMs: 15 },
    ];
    // What is sent at 10 ms may have been sent before that which is done at 10 ms.
    expect([...exported(operations, 'edn').matchAll(/:invoke, :process (\d+)/g)].map(([, process]) => Number(process))).toEqual([
      0, 2, 4, 0, 1,
    ]);
  });
  it('is in the order of time, with one operation at a time in each process, and completions that belong to their invocations', () => {
    const any = fc.record({
      client: fc.nat(3),
      verb: fc.constantFrom(...verbs),
      outcome: fc.constantFrom(...outcomes),
      sentAtMs: fc.nat(60),
      tookMs: fc.oneof(fc.nat(3), fc.nat(40)),
      final: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), (drawn) => {
        const operations = drawn
          .map(({ tookMs, ...rest }, id) => ({ ...rest, id, value: id, key: `k${id}`, doneAtMs: rest.sentAtMs + tookMs, reason: 'r' }))
          .sort((a, b) => a.doneAtMs - b.doneAtMs);
        const events = JSON.parse(exported(operations, 'json')) as {
          index: number;
          type: string;
          process: number;
          time: number;
          f: string;
          value: unknown;
        }[];
        expect(events.length).toBe(2 * operations.length);
        expect(events.map(({ index }) => index)).toEqual(events.map((_, index) => index));
        expect(events.map(({ time }) => time)).toEqual(events.map(({ time }) => time).toSorted((a, b) => a - b));
        const clients =
          Math.max(-1, ...operations.filter(({ final }) => !final).map(({ client }) => client)) +
          (operations.some(({ final }) => final) ? 2 : 1);
        const open = new Map<number, (typeof events)[number]>();
        const retired = new Set<number>();
        const pairs: string[] = [];
        const busy: unknown[] = [];
        for (const event of events) {
          if (event.type === 'invoke') {
            if (open.has(event.process) || retired.has(event.process)) busy.push(event);
            open.set(event.process, event);
            continue;
          }
          const invocation = open.get(event.process);
          open.delete(event.process);
          if (event.type === 'info') retired.add(event.process);
          const [id] = /(?<="k)\d+/.exec(JSON.stringify(event.value)) as RegExpExecArray;
          expect(JSON.stringify(invocation?.value)).toMatch(new RegExp(`"k${id}["/]`));
          expect(invocation?.f).toBe(event.f);
          pairs.push(`${id} ${event.process % clients} ${invocation?.time} ${event.time}`);
        }
        expect(open.size).toBe(0);
        expect(busy).toEqual([]);
        expect(pairs.sort()).toEqual(
          operations
            .map(({ id, client, final, sentAtMs, doneAtMs }) => `${id} ${final ? clients - 1 : client} ${sentAtMs * 1e6} ${doneAtMs * 1e6}`)
            .sort(),
        );
      }),
    );
  });
});

describe('a history in lines', () => {
  it('is a table in the order in which operations were done', () =>
    expect(
      exported(
        [
          { value: 0, key: 'register:7', node: 'node-1' },
          { value: 1, client: 12, outcome: 'unknown', reason: 'timeout' },
          { verb: 'get', outcome: 'failed', reason: 'moved' },
          { verb: 'get', value: foreign },
          { verb: 'range', values: Array.from({ length: 22 }, (_, index) => index) },
          { verb: 'set-expiring', value: 5, values: [90] },
          { verb: 'get', key: 'two\nlines', final: true, replica: true },
        ],
        'text',
      ),
    ).toBe(
      `      id  client       sent ms    took ms  node    verb          key         value, outcome
       0       0         0.000      1.000  node-1  set           register:7  0
       1      12         2.000      1.000  -       set           k           1  unknown (timeout)
       2       0         4.000      1.000  -       get           k           failed (moved)
       3       0         6.000      1.000  -       get           k           foreign
       4       0         8.000      1.000  -       range         k           [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 and 2 more]
       5       0        10.000      1.000  -       set-expiring  k           5 for 90 ms
       6       -        12.000      1.000  -       get           two\\nlines  nothing  final  replica
`,
    ));
  it('has only what was asked for', () => {
    const operations: Partial<Operation>[] = [
      { key: 'a', node: 'node-1' },
      { key: 'b', client: 1, node: 'node-2' },
      { key: 'a', outcome: 'failed', reason: 'moved' },
      { key: 'a', sentAtMs: 6, doneAtMs: 100 },
    ];
    const ids = (selection: Selection): number[] =>
      [...exported(operations, 'text', selection).matchAll(/^ +(\d+) /gm)].map(([, id]) => Number(id));
    expect(ids({})).toEqual([0, 1, 2, 3]);
    expect(ids({ key: 'b' })).toEqual([1]);
    expect(ids({ client: 1 })).toEqual([1]);
    expect(ids({ node: 'node-1' })).toEqual([0]);
    expect(ids({ outcome: 'ok', key: 'a' })).toEqual([0, 3]);
    expect(ids({ fromMs: 3, toMs: 4 })).toEqual([1, 2]);
    expect(ids({ fromMs: 50 })).toEqual([3]);
    expect(ids({ key: 'c' })).toEqual([]);
  });
});
