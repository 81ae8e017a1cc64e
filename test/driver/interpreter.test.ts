import { beforeEach, describe, expect, it } from 'vitest';
import type { Command, CommandResult, HostState } from '../../src/driver.ts';
import { type Deed, interpret, notAsked, type Primitives, type Script } from '../../src/driver/interpreter.ts';

const nothing: CommandResult = { exitCode: 0, output: '' };
const unasked = notAsked(new Error('the shell is gone'));

/** `answers` by the text of a script; whatever else is asked for succeeds and says nothing. */
let answers: Record<string, CommandResult | Promise<CommandResult>> = {};
let status: HostState['status'] = 'running';
let asked: (Script | Deed)[] = [];
beforeEach(() => {
  [answers, status, asked] = [{}, 'running', []];
});

const primitives: Primitives = {
  script: async (command) => {
    asked.push(command);
    return answers[command.script] ?? nothing;
  },
  deed: async (command) => {
    asked.push(command);
    return answers[command.run] ?? { exitCode: 0, output: `${command.run} done` };
  },
  status: async () => status,
};
const ask = (command: Command): Promise<CommandResult> => interpret(command, primitives);
const script = (text: string): Script => ({ run: 'toolbox', node: 'node-1', script: text });
const scripts = (): string[] => asked.map((command) => ('script' in command ? command.script : command.run));
const list = (run: 'sequence' | 'together', ...texts: readonly string[]): Command => ({ run, node: 'node-1', commands: texts.map(script) });
const when = (condition: Command, deed: Command = script('deed')): Command => ({ run: 'if', node: 'node-1', condition, deed });

describe('a command', () => {
  it.each(['toolbox', 'files', 'engine'] as const)('is a script in the place %s', async (run) => {
    answers = { look: { exitCode: 4, output: 'no' } };
    expect(await ask({ run, node: 'node-1', script: 'look' })).toEqual({ exitCode: 4, output: 'no' });
    expect(asked).toEqual([{ run, node: 'node-1', script: 'look' }]);
  });
  it.each<Deed>([
    { run: 'pause', node: 'node-1' },
    { run: 'kill', node: 'node-1', signal: 'SIGKILL' },
    { run: 'surgeon', node: 'node-1', script: 'true' },
  ])('is a deed of the container engine: $run', async (deed) => {
    expect(await ask(deed)).toEqual({ exitCode: 0, output: `${deed.run} done` });
    expect(asked).toEqual([deed]);
  });
  it('that could not be asked says why, and is no answer', () => {
    expect(unasked.output).toBe('the shell is gone');
    expect([0, 1]).not.toContain(unasked.exitCode);
  });
});

describe('a sequence', () => {
  it('runs one after the other, and prints what all of them print', async () => {
    const first = Promise.withResolvers<CommandResult>();
    answers = { a: first.promise, c: { exitCode: 0, output: 'c' } };
    const result = ask(list('sequence', 'a', 'b', 'c'));
    await Promise.resolve();
    expect(scripts()).toEqual(['a']);
    first.resolve({ exitCode: 0, output: 'a' });
    expect(await result).toEqual({ exitCode: 0, output: 'a\nc' });
    expect(scripts()).toEqual(['a', 'b', 'c']);
  });
  it('ends with the first that fails, and with what was printed until then', async () => {
    answers = { a: { exitCode: 0, output: 'a' }, b: { exitCode: 3, output: 'no' } };
    expect(await ask(list('sequence', 'a', 'b', 'c'))).toEqual({ exitCode: 3, output: 'a\nno' });
    expect(scripts()).toEqual(['a', 'b']);
  });
  it('ends with the first that could not be asked', async () => {
    answers = { a: unasked };
    expect(await ask(list('sequence', 'a', 'b'))).toEqual(unasked);
    expect(scripts()).toEqual(['a']);
  });
  it('of nothing does nothing', async () => expect(await ask(list('sequence'))).toEqual(nothing));
});

describe('together', () => {
  it('asks all at the same time, and prints in order', async () => {
    const first = Promise.withResolvers<CommandResult>();
    answers = { a: first.promise, b: { exitCode: 0, output: 'b' } };
    const result = ask(list('together', 'a', 'b', 'c'));
    await Promise.resolve();
    expect(scripts()).toEqual(['a', 'b', 'c']);
    first.resolve({ exitCode: 0, output: 'a' });
    expect(await result).toEqual({ exitCode: 0, output: 'a\nb' });
  });
  it('ends as the first in order that fails, and waits for all', async () => {
    answers = { b: { exitCode: 3, output: 'b' }, c: { exitCode: 4, output: 'c' }, d: { exitCode: 0, output: 'd' } };
    expect(await ask(list('together', 'a', 'b', 'c', 'd'))).toEqual({ exitCode: 3, output: 'b\nc\nd' });
  });
});

describe('a condition', () => {
  it('lets the deed be done where it ends with 0', async () => {
    answers = { condition: { exitCode: 0, output: 'yes' }, deed: { exitCode: 7, output: 'done' } };
    expect(await ask(when(script('condition')))).toEqual({ exitCode: 7, output: 'done' });
    expect(scripts()).toEqual(['condition', 'deed']);
  });
  it('makes nothing of it where it ends with anything else, which is no failure', async () => {
    answers = { condition: { exitCode: 1, output: 'no' } };
    expect(await ask(when(script('condition')))).toEqual(nothing);
    expect(scripts()).toEqual(['condition']);
  });
  it('that could not be asked is no no: that is the answer, and nothing is done', async () => {
    answers = { condition: unasked };
    expect(await ask(when(script('condition')))).toEqual(unasked);
    expect(await ask(when(list('sequence', 'condition')))).toEqual(unasked);
    expect(await ask(when(when(script('condition'))))).toEqual(unasked);
    expect(scripts()).not.toContain('deed');
  });
  it('may be the life of the engine: it runs or is paused', async () => {
    const alive: Command = { run: 'alive', node: 'node-1' };
    for (status of ['running', 'paused'] as const) {
      expect(await ask(alive)).toEqual(nothing);
      expect((await ask(when(alive, { run: 'kill', node: 'node-1', signal: 'SIGKILL' }))).output).toBe('kill done');
    }
    asked = [];
    for (status of ['exited', 'restarting', 'gone'] as const) {
      expect(await ask(alive)).toEqual({ exitCode: 1, output: `the engine of node-1 is ${status}` });
      expect(await ask(when(alive))).toEqual(nothing);
    }
    expect(asked).toEqual([]);
  });
});
