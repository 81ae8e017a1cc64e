import { describe, expect, it } from 'vitest';
import { type Done, type Job, runPool } from '../src/pool.ts';

const never = new AbortController().signal;

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
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const end = async (name: string): Promise<void> => {
    running.get(name)?.resolve(`${name} ended`);
    await settle();
  };
  return { job, running, started, settle, end };
}

describe('a pool', () => {
  it('runs as many at a time as it may, and answers in the order of the jobs', async () => {
    const { job, running, settle, end } = stage();
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
    const { job, running, started, settle, end } = stage();
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
    const { job, started, settle } = stage();
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
});
