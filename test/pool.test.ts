import { describe, expect, it } from 'vitest';
import { type Done, type Job, runPool, type Turn } from '../src/pool.ts';

const never = new AbortController().signal;

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Jobs that end when they are told to, and what ran at a time. */
function stage() {
  const running = new Map<string, PromiseWithResolvers<string>>();
  const started: string[] = [];
  const job = (name: string, memoryBytes = 1): Job<string> => ({
    name,
    memoryBytes,
    run: () => {
      started.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      running.set(name, { promise, resolve, reject });
      return promise.finally(() => running.delete(name));
    },
  });
  const end = async (name: string): Promise<void> => {
    running.get(name)?.resolve(`${name} ended`);
    await settle();
  };
  return { job, running, started, end };
}

describe('a pool', () => {
  it('runs as many at a time as it may, and answers in the order of the jobs', async () => {
    const { job, running, end } = stage();
    const order: string[] = [];
    const all = runPool(
      ['a', 'b', 'c'].map((name) => job(name)),
      {
        atOnce: 2,
        memoryBytes: 10,
        signal: never,
        onDone: (done) => order.push(done.job.name),
      },
    );
    await settle();
    expect([...running.keys()]).toEqual(['a', 'b']);
    await end('b');
    expect([...running.keys()]).toEqual(['a', 'c']);
    await end('c');
    await end('a');
    expect((await all).map((done) => 'value' in done && done.value)).toEqual(['a ended', 'b ended', 'c ended']);
    expect(order).toEqual(['b', 'c', 'a']);
  });

  it('starts what fits into the memory, and what never fits alone', async () => {
    const { job, running, started, end } = stage();
    const all = runPool([job('half', 5), job('huge', 50), job('other half', 5), job('small', 1)], {
      atOnce: 9,
      memoryBytes: 10,
      signal: never,
    });
    await settle();
    expect([...running.keys()]).toEqual(['half', 'other half']);
    await end('half');
    expect([...running.keys()]).toEqual(['other half', 'small']);
    await end('other half');
    await end('small');
    expect([...running.keys()]).toEqual(['huge']);
    await end('huge');
    await all;
    expect(started).toEqual(['half', 'other half', 'small', 'huge']);
  });

  it('goes on when one fails, also at once', async () => {
    const failing: Job<string> = {
      name: 'failing',
      memoryBytes: 1,
      run: () => {
        throw new Error('no');
      },
    };
    const done = await runPool([failing, { ...failing, name: 'fine', run: async () => 'yes' }], {
      atOnce: 1,
      memoryBytes: 1,
      signal: never,
    });
    expect(done).toMatchObject([{ error: new Error('no') }, { value: 'yes' }]);
  });

  it('starts nothing after an abort, and waits for what is ending', async () => {
    const { job, started } = stage();
    const stop = new AbortController();
    let left = true;
    const orderly: Job<string> = {
      name: 'orderly',
      memoryBytes: 1,
      run: async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await settle();
        left = false;
        throw signal.reason;
      },
    };
    const all: Promise<readonly Done<string>[]> = runPool([orderly, job('late')], { atOnce: 1, memoryBytes: 1, signal: stop.signal });
    await settle();
    stop.abort(new Error('stopped'));
    expect(await all).toMatchObject([{ error: new Error('stopped') }, { error: new Error('stopped') }]);
    expect(left).toBe(false);
    expect(started).toEqual([]);
    expect(await runPool([job('never')], { atOnce: 1, memoryBytes: 1, signal: stop.signal })).toHaveLength(1);
  });

  /** One that prepares, takes its turn, and goes on when it is told to. */
  function prepared(name: string, log: string[]) {
    const turn = Promise.withResolvers<Turn>();
    const finish = Promise.withResolvers<void>();
    const job: Job<string> = {
      name,
      memoryBytes: 1,
      run: async (signal, mine) => {
        log.push(`${name} prepares`);
        await mine.take(signal);
        log.push(`${name} runs`);
        turn.resolve(mine);
        await finish.promise;
        log.push(`${name} ends`);
        return name;
      },
    };
    return { job, turn: turn.promise, finish: finish.resolve };
  }

  it('has the next one prepared beside one that spares it, and lets it go on when that is over', async () => {
    const log: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => prepared(name, log)) as [
      ReturnType<typeof prepared>,
      ReturnType<typeof prepared>,
      ReturnType<typeof prepared>,
    ];
    const all = runPool([a.job, b.job, c.job], { atOnce: 1, memoryBytes: 10, signal: never });
    const first = await a.turn;
    await settle();
    expect(log.splice(0)).toEqual(['a prepares', 'a runs']);
    first.spare();
    await settle();
    expect(log.splice(0)).toEqual(['b prepares']);
    first.over();
    await settle();
    expect(log.splice(0)).toEqual(['b runs']);
    a.finish();
    await settle();
    // One turn, and one that has it: nobody prepares.
    expect(log.splice(0)).toEqual(['a ends']);
    (await b.turn).spare();
    b.finish();
    await settle();
    expect(log.splice(0)).toEqual(['c prepares', 'b ends', 'c runs']);
    c.finish();
    expect((await all).map((done) => 'value' in done && done.value)).toEqual(['a', 'b', 'c']);
  });

  it('prepares no more than there are turns, and none for which there is no memory', async () => {
    const log: string[] = [];
    const jobs = ['a', 'b', 'c', 'd', 'e'].map((name) => prepared(name, log));
    const stop = new AbortController();
    const all = runPool(
      jobs.map(({ job }) => job),
      { atOnce: 2, memoryBytes: 3, signal: stop.signal },
    );
    for (const { turn } of jobs.slice(0, 2)) (await turn).spare();
    await settle();
    expect(log.toSorted()).toEqual(['a prepares', 'a runs', 'b prepares', 'b runs', 'c prepares']);
    stop.abort(new Error('stopped'));
    for (const { finish } of jobs) finish();
    expect((await all).map((done) => ('value' in done ? done.value : String(done.error)))).toEqual([
      'a',
      'b',
      ...Array.from({ length: 3 }, () => 'Error: stopped'),
    ]);
    expect(log).not.toContain('c runs');
  });
});
