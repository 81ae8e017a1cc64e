import * as z from 'zod';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { parametersOf } from '../../src/parameter.ts';
import type { Reply } from '../../src/resp.ts';
import { foreign, nothing } from '../../src/timeline/history.ts';
import { numberOf, type Request, valueOf, type Workload, type WorkloadKind, workloadOptions } from '../../src/workload.ts';
import expiring from '../../src/workload/expiring.ts';
import mixed from '../../src/workload/mixed.ts';
import queue from '../../src/workload/queue.ts';
import registers from '../../src/workload/registers.ts';
import transactions from '../../src/workload/transactions.ts';
import { allWorkloads } from '../../src/workloads.ts';

const makers = await allWorkloads();
const names = [...makers.keys()];
const kindOf = (name: string): WorkloadKind => makers.get(name)?.kind as WorkloadKind;
const plain = (name: string, options: Record<string, unknown> = {}): Workload => makers.get(name)?.(options as never) as Workload;

/** The first operations of one client: a read where its number is odd. What it takes from a queue comes as it was put there. */
function steps(name: string, count: number, { seed = 1, ...options }: Record<string, unknown> = {}): Request[] {
  const random = seededRandom(seed as number);
  const taken = new Map<string, number>();
  return Array.from({ length: count }, (_, id) =>
    kindOf(name).next({ id, key: `k{${id % 4}}`, read: id % 2 === 1, random, workload: plain(name, options), taken }),
  );
}

/** Without what cannot be compared. */
const bare = ({ answer: _, ...rest }: Request): Omit<Request, 'answer'> => rest;
const refusal = (deed: () => unknown): string => {
  try {
    deed();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('expected a refusal');
};

describe('workloads', () => {
  it('are found by their folder', () =>
    expect(names).toEqual(['counters', 'expiring', 'list-append', 'mixed', 'queue', 'registers', 'set-add', 'transactions']));
  it.each(names)('say what they do and what must be true: %s', (name) => {
    const { about, promise, extra } = kindOf(name);
    for (const text of [about, promise]) expect(text).toMatch(/^[a-z][^.]{20,}$/);
    for (const option of extra ? parametersOf(extra) : []) expect(option.about, option.name).not.toBe('');
  });
  it('say of every option what it is, and have a default for each', () => {
    for (const { name, about, fallback } of parametersOf(workloadOptions)) {
      expect(about, name).not.toBe('');
      expect(fallback, name).toBeDefined();
    }
  });
  it.each(names)('are data, with every option: %s', (name) => {
    const workload = plain(name);
    expect(structuredClone(workload)).toEqual(workload);
    expect(Object.keys(workload).toSorted()).toEqual(['kind', ...Object.keys(workloadOptions.shape), 'extra'].toSorted());
    expect(Object.keys(workload.extra)).toEqual(Object.keys(kindOf(name).extra?.shape ?? {}));
    expect(workload.kind).toBe(name);
  });
  it('keep what was asked for', () => {
    expect(registers({ clients: 3, rate: 'closed', readsFrom: 'replica', places: ['client-1'] })).toMatchObject({
      clients: 3,
      rate: 'closed',
      readsFrom: 'replica',
      places: ['client-1'],
      extra: {},
    });
    expect(expiring({ ttlMs: 30 }).extra).toEqual({ ttlMs: 30 });
    expect(transactions({ by: 'script' }).extra).toEqual({ by: 'script' });
  });
  it.each([
    [{ clients: 0 }, /^the workload registers needs clients \(how many clients.*\): expected number to be >=1, got 0$/],
    [{ clients: 1.5 }, /^the workload registers needs clients \(.*\): .*int.*, got 1.5$/],
    [{ rate: -1 }, /^the workload registers needs rate \(operations a second .*\): .*, got -1$/],
    [{ rate: 'fast' }, /^the workload registers needs rate \(.*\): .*, got "fast"$/],
    [{ readShare: 2 }, /^the workload registers needs readShare \(.*\): expected number to be <=1, got 2$/],
    [{ distribution: 'odd' }, /^the workload registers needs distribution \(.*\): .*"even".*, got "odd"$/],
    [{ client: 'jedis' }, /^the workload registers needs client \(.*\): .*"ioredis".*, got "jedis"$/],
    [{ places: ['node-1'] }, /^the workload registers needs places.*expected names such as 'client-1', got "node-1"$/],
    [{ keyz: 5 }, /^the workload registers has no parameter keyz; it has clients, rate, keys, .*places$/],
    [{ ttlMs: 5 }, /^the workload registers has no parameter ttlMs; it has /],
  ])('refuse %j in one sentence', (options, sentence) => {
    expect(refusal(() => registers(options as never))).toMatch(sentence);
  });
  it('refuse what only they understand in one sentence too', () => {
    expect(refusal(() => transactions({ by: 'magic' as never }))).toMatch(/^the workload transactions needs by \(.*\): .*, got "magic"$/);
    expect(refusal(() => expiring({ ttlMs: 0 }))).toMatch(/^the workload expiring needs ttlMs \(how long a value lives\): .*, got 0$/);
  });
});

describe.each(names)('the operations of %s', (name) => {
  it('are the same for the same seed', () => {
    expect(steps(name, 200).map(bare)).toEqual(steps(name, 200).map(bare));
  });
  it('write values that are never the same twice: the ids of the writes', () => {
    const requests = steps(name, 400);
    const values = requests.flatMap(({ verb, value }, id) =>
      value === undefined || verb === 'increment' || verb === 'finish' ? [] : [[value, id]],
    );
    for (const [value, id] of values) expect(value).toBe(id);
    for (const { value } of requests.filter(({ verb }) => verb === 'increment')) expect(value).toBe(nothing);
  });
  it('write where they are to write, and read where they are to read', () => {
    for (const [id, { value }] of steps(name, 100).entries()) expect(value === undefined, `operation ${id}`).toBe(id % 2 === 1);
  });
  it('name their key, which every command has where the server looks for it', () => {
    for (const [id, { commands, key }] of steps(name, 100).entries()) {
      const tagged = `{${id % 4}}`;
      expect(key ?? tagged).toContain(tagged);
      for (const [command, ...words] of commands.filter(([first]) => first !== 'MULTI' && first !== 'EXEC'))
        expect(words[command === 'EVAL' ? 2 : 0]).toContain(tagged);
    }
  });
  it('write values of the wanted length, and of their number at least', () => {
    for (const bytes of [1, 8, 300]) {
      for (const { commands, value = nothing } of steps(name, 40, { valueBytes: bytes }).filter(({ value: id = nothing }) => id >= 0)) {
        const written = commands.flat().filter((word) => /^\d+(:x*)?$/.test(word) && numberOf(word) === value);
        const length = Math.max(...written.map((word) => word.length));
        // A mixture has all sizes from 8 bytes on.
        const least = name === 'mixed' ? 8 : bytes;
        expect(length, `${value}`).toBeGreaterThanOrEqual(Math.max(least, `${value}`.length));
        expect(length, `${value}`).toBeLessThanOrEqual(Math.max(name === 'mixed' ? 8 : 0, bytes, `${value}`.length));
      }
    }
  });
  it('fit the words of Latin-1 that go over the wire', () => {
    for (const { commands } of steps(name, 40)) for (const word of commands.flat()) expect(word).toMatch(/^[\x20-\x7e]*$/);
  });
  it('are read at rest by one command each, which is a plain read and the same every time', () => {
    const requests = kindOf(name).final('k{1}');
    expect(requests.length).toBeGreaterThan(0);
    expect(kindOf(name).final('k{1}').map(bare)).toEqual(requests.map(bare));
    for (const { commands, value, verb, key } of requests) {
      expect(value).toBeUndefined();
      expect(commands.map(([command]) => command)).toEqual([
        verb === 'range' ? 'LRANGE' : verb === 'members' ? 'SMEMBERS' : verb === 'get-pair' ? 'MGET' : 'GET',
      ]);
      expect(key ?? 'k{1}').toContain('{1}');
    }
  });
  it('read at rest every key that they write', () => {
    const written = steps(name, 400).flatMap(({ commands, value, verb }) =>
      value === undefined || verb === 'finish'
        ? []
        : commands.flatMap(([command, ...words]) =>
            command === 'MULTI' || command === 'EXEC' ? [] : command === 'EVAL' ? words.slice(2, 4) : words.slice(0, 1),
          ),
    );
    const read = [0, 1, 2, 3].flatMap((n) =>
      kindOf(name)
        .final(`k{${n}}`)
        .flatMap(({ commands }) => commands.flat()),
    );
    expect(read).toEqual(expect.arrayContaining([...new Set(written)]));
  });
});

describe('what a server answers', () => {
  const answer = (request: Request | undefined, ...replies: readonly Reply[]): unknown => request?.answer?.(replies);
  const reads = (name: string, reply: Reply): unknown => answer(kindOf(name).final('k{1}')[0], reply);
  it('is understood by each kind', () => {
    expect(reads('registers', '17:xxxx')).toEqual({ value: 17 });
    expect(reads('registers', null)).toEqual({ value: nothing });
    expect(reads('expiring', '17:xxxx')).toEqual({ value: 17 });
    expect(reads('expiring', null)).toEqual({ value: nothing });
    expect(reads('counters', '12')).toEqual({ value: 12 });
    expect(reads('counters', null)).toEqual({ value: nothing });
    expect(reads('list-append', ['1:x', '2', 'what'])).toEqual({ values: [1, 2, foreign] });
    expect(reads('set-add', [])).toEqual({ values: [] });
    expect(reads('queue', ['4:xxx'])).toEqual({ values: [4] });
    expect(reads('transactions', ['4:x', null])).toEqual({ values: [4, nothing] });
  });
  it('to an increment is the sum', () => {
    expect(answer(steps('counters', 1)[0], 12)).toEqual({ value: 12 });
  });
  it('to a transaction that reads is what EXEC returned', () => {
    const requests = steps('transactions', 2, { by: 'script' });
    expect(requests[1]?.commands.map(([command]) => command)).toEqual(['MULTI', 'GET', 'GET', 'EXEC']);
    expect(answer(requests[1], 'OK', 'QUEUED', 'QUEUED', ['4:x', '4:x'])).toEqual({ values: [4, 4] });
    // A client library gives what EXEC returned, and nothing else.
    expect(answer(requests[1], ['4:x', null])).toEqual({ values: [4, nothing] });
  });
  it('says nothing more of writes, whose value is their id', () => {
    for (const name of ['registers', 'expiring', 'list-append', 'set-add', 'transactions'])
      expect(answer(steps(name, 1)[0], 'OK')).toBeUndefined();
  });
});

describe('values', () => {
  it('are their number and filling, and are read back as their number', () => {
    for (const id of [0, 7, 123_456_789])
      for (const bytes of [1, 2, 8, 9, 10, 11, 64]) {
        const text = valueOf(id, bytes);
        expect(text.length).toBe(Math.max(bytes, `${id}`.length));
        expect(numberOf(text)).toBe(id);
      }
  });
  it.each(['', 'x', '1:y', '1:x:x', '-1', '1.5', ' 1', '1\n', '1234567890'])('of nobody are foreign: %j', (text) => {
    expect(numberOf(text)).toBe(foreign);
  });
});

describe('the queue', () => {
  const next = (id: number, taken: Map<string, number>, read = true): Request =>
    queue.kind.next({ id, key: 'q{1}', read, random: seededRandom(1), workload: queue(), taken });
  it('takes a message, works it off, and takes another', () => {
    const taken = new Map<string, number>();
    const take = next(5, taken);
    expect(bare(take)).toEqual({ verb: 'take', commands: [['RPOPLPUSH', 'q{1}', 'q{1}:taken']] });
    expect(take.answer?.([valueOf(3, 16)])).toEqual({ value: 3 });
    expect(bare(next(6, taken))).toEqual({ verb: 'finish', value: 3, commands: [['LREM', 'q{1}:taken', '1', valueOf(3, 16)]] });
    expect(next(7, taken).verb).toBe('take');
  });
  it('finishes nothing that it has not taken', () => {
    const taken = new Map<string, number>();
    expect(next(5, taken).answer?.([null])).toEqual({ value: nothing });
    expect(next(6, taken).verb).toBe('take');
  });
  it('counts what it cannot have put there, and does not try to finish it', () => {
    const taken = new Map<string, number>();
    expect(next(5, taken).answer?.(['what?'])).toEqual({ value: foreign });
    expect(next(6, taken).verb).toBe('take');
  });
  it('finishes messages with the filling that they were pushed with', () => {
    const [push] = next(3, new Map(), false).commands as [readonly string[]];
    expect(next(9, new Map([['q{1}', 3]])).commands[0]?.at(-1)).toBe(push.at(-1));
  });
});

describe('the mixture', () => {
  it('has parts of every kind, in keys of their own, and sizes over all orders of magnitude', () => {
    const requests = steps('mixed', 4_000, { valueBytes: 4_096 });
    expect(new Set(requests.map(({ verb }) => verb))).toEqual(
      new Set(['set', 'get', 'append', 'range', 'add', 'members', 'increment', 'count']),
    );
    const kinds = new Map<string, Set<string>>();
    for (const { key = '', commands } of requests) {
      const prefix = key.split('/')[0] ?? '';
      expect(commands[0]?.[1]).toBe(key);
      kinds.set(prefix, (kinds.get(prefix) ?? new Set()).add(commands[0]?.[0] ?? ''));
    }
    expect([...kinds.keys()].toSorted()).toEqual(['counters', 'list-append', 'registers', 'set-add']);
    for (const commands of kinds.values()) expect(commands.size).toBe(2);
    const sizes = requests.filter(({ verb }) => verb === 'set').map(({ commands }) => commands[0]?.[2]?.length ?? 0);
    expect(Math.min(...sizes)).toBeLessThan(16);
    expect(Math.max(...sizes)).toBeGreaterThan(2_048);
  });
  it('is made of options that all understand', () => {
    expect(mixed({ distribution: 'zipf' })).toMatchObject({ kind: 'mixed', distribution: 'zipf' });
    expect(z.strictObject({}).parse(mixed().extra)).toEqual({});
  });
});
