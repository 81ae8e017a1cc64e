import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AbortedError, InconclusiveError, UsageError } from '../src/base/errors.ts';
import type { Stage } from '../src/experiment.ts';
import { AssertionFailed, curtained, ExperimentError, play } from '../src/play.ts';

const never = new AbortController().signal;
const played = (code: () => Promise<void>, { withinMs = 10_000, signal = never } = {}): Promise<unknown> =>
  play(code, { part: 'disturb', withinMs, signal }).catch((error: unknown) => error);
const here = /test\/play\.test\.ts:\d+:\d+/;

describe('the code of an experiment', () => {
  it('may end well', async () => expect(await played(async () => {})).toBeUndefined());
  it('is told with the line where it threw', async () => {
    const error = await played(async () => {
      await Promise.resolve();
      throw new TypeError('my own bug');
    });
    expect(error).toBeInstanceOf(ExperimentError);
    expect((error as Error).message).toMatch(new RegExp(`^disturb of the experiment failed at ${here.source}: my own bug$`));
  });
  it('is told with the line where it asked for what cannot be, and keeps the exit code of that', async () => {
    const error = await played(() => Promise.reject(new UsageError('expected a target')));
    expect(error).toMatchObject({
      exitCode: 64,
      message: expect.stringMatching(new RegExp(`^expected a target \\(at ${here.source}\\)$`)),
    });
  });
  it('may throw what is no error', async () => {
    for (const [thrown, said] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['text', "'text'"],
      [{ a: 1 }, '{ a: 1 }'],
    ] as const) {
      const error = await played(() => Promise.reject(thrown as never));
      expect(error).toBeInstanceOf(ExperimentError);
      expect((error as Error).message).toBe(`disturb of the experiment failed: ${said} was thrown, which is no error and tells no line`);
    }
  });
  it('may throw before it awaits anything', async () => {
    const error = await played(() => {
      throw new Error('at once');
    });
    expect((error as Error).message).toMatch(/at once$/);
  });
  it('may assert, with node:assert and with expect', async () => {
    for (const assertion of [() => assert.equal(1, 2), () => expect(1).toBe(2)]) {
      const error = await played(async () => assertion());
      expect(error).toBeInstanceOf(AssertionFailed);
      expect((error as Error).message).toMatch(new RegExp(`^the experiment asserts at ${here.source}: `));
      expect((error as Error).message).not.toContain('\n');
    }
  });
  it('passes on that it is inconclusive, or was stopped', async () => {
    for (const error of [new InconclusiveError('in vain'), new AbortedError()])
      expect(await played(() => Promise.reject(error))).toBe(error);
  });
  it('ends when the time is up, whatever it waits for', async () => {
    const error = await played(() => new Promise(() => {}), { withinMs: 30 });
    expect((error as Error).message).toMatch(
      /^disturb of the experiment was not over after 30 ms: it waits for something that does not come; /,
    );
  });
  it('is left behind after an abort where it waits for what does not come, and unwinds where it can', async () => {
    const stop = new AbortController();
    const reason = new AbortedError('stopped');
    const order: string[] = [];
    const unwinding = played(
      async () => {
        try {
          await delay(60_000, undefined, { signal: stop.signal });
        } finally {
          await delay(20);
          order.push('unwound');
        }
      },
      { signal: stop.signal },
    ).then((error) => (order.push('over'), error));
    stop.abort(reason);
    expect(await unwinding).toBe(reason);
    expect(order).toEqual(['unwound', 'over']);
    expect(await played(() => new Promise(() => {}), { signal: AbortSignal.abort(reason) })).toBe(reason);
  });
});

describe('a stage whose curtain has fallen', () => {
  const open = () => {
    const late: Error[] = [];
    const deed = Promise.withResolvers<void>();
    const stage = { inject: () => deed.promise, note: () => {}, sleep: () => Promise.resolve(), variant: 'cured' } as unknown as Stage;
    return { late, deed, ...curtained(stage, (error) => late.push(error)) };
  };
  it('refuses what comes only then, and says so', async () => {
    const { stage, fall, late } = open();
    await stage.sleep('1s');
    fall();
    await expect(stage.sleep('1s')).rejects.toThrow(/^sleep was called only when disturb returned: `await` whatever it starts/);
    expect(late).toHaveLength(1);
  });
  it('does not fall while something is still under way', async () => {
    const { stage, fall, late, deed } = open();
    const under = stage.inject({} as never);
    expect(fall).toThrow(/^inject was still under way when disturb returned/);
    expect(late).toHaveLength(1);
    deed.resolve();
    await under;
    expect(fall).not.toThrow();
  });
  it('is the stage itself in all else', () => {
    const { stage, fall } = open();
    expect(stage.variant).toBe('cured');
    fall();
    expect(() => stage.note('late, but harmless')).not.toThrow();
  });
});
