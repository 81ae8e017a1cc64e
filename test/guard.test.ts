import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Command } from '../src/driver.ts';
import { guard, type GuardMessage, type Watch } from '../src/guard.ts';
import { type Answer, PaperHosts, script } from './paper.ts';

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const left = { exitCode: 0, output: 'still there' };
const never = (): Promise<never> => new Promise(() => {});

/** A step whose way back and read-back are scripts named after its id. */
const register = (id: number, node = 'node-1', more: Partial<GuardMessage> = {}): GuardMessage =>
  ({ say: 'register', id, undo: script(node, `undo ${id}`), residue: script(node, `look ${id}`), ...more }) as GuardMessage;

interface Guarding extends Partial<Omit<Watch, 'lines' | 'driver'>> {
  readonly says?: readonly (GuardMessage | string)[];
  readonly answer?: Answer;
  readonly hosts?: Partial<PaperHosts>;
  readonly driver?: Partial<Watch['driver']>;
}

/** Lets a guard hear a runner that ends after it has said this, and tells all that happened, in order. */
async function guarding({ says = [], answer, hosts: otherwise, driver, ...more }: Guarding) {
  // No moment is 0.
  await vi.advanceTimersByTimeAsync(1_000);
  const events: string[] = [];
  const journal: Record<string, unknown>[] = [];
  const hosts = new PaperHosts([], (command) => {
    if ('script' in command) events.push(command.script);
    return answer?.(command);
  });
  hosts.fence = async (pid, commands) => void events.push(`fence ${pid} at ${commands.map(scriptOf).join(', ')}`);
  hosts.remove = async () => void events.push('remove');
  Object.assign(hosts, otherwise);
  const done = guard({
    runId: 'paper',
    runnerPid: 4711,
    mode: 'remove',
    reply: (message) => events.push('id' in message ? `${message.say} ${message.id}` : message.say),
    journal: (entry) => {
      journal.push(entry as Record<string, unknown>);
      if ((entry as GuardMessage).say === 'register') events.push(`journal ${(entry as { id: number }).id}`);
    },
    ...more,
    driver: {
      adopt: async (runId) => {
        events.push(`adopt ${runId}`);
        return hosts;
      },
      leftovers: async () => {
        events.push('look');
        return [];
      },
      ...driver,
    },
    lines: (async function* () {
      for (const message of says) {
        yield typeof message === 'string' ? message : JSON.stringify(message);
        events.push('heard');
      }
    })(),
  });
  await vi.runAllTimersAsync();
  return { done: await done, events, journal, said: journal.map(({ say }) => say) };
}
const scriptOf = (command: Command): string => ('script' in command ? command.script : command.run);
const undone = (events: readonly string[]): string[] => events.filter((event) => event.startsWith('undo'));
const gone = ['remove', 'look', 'remove', 'look', 'remove', 'look'];

describe('a guard', () => {
  it('is ready before it hears anything, and notes an undo when it stands in the journal', async () => {
    const { events, journal } = await guarding({ says: [register(0), { say: 'farewell' }] });
    expect(events).toEqual(['ready', 'journal 0', 'noted 0', 'heard']);
    expect(journal).toEqual([register(0)]);
  });
  it('undoes nothing when the runner says farewell, and hears nothing after it', async () => {
    const { done, events } = await guarding({ says: [register(0), { say: 'farewell' }, register(1)] });
    expect(done).toBe(true);
    expect(events).not.toContain('noted 1');
    expect(events.join()).not.toMatch(/adopt|undo|remove/);
  });
  it('ends what the runner left, undoes the youngest first, looks after each, and then removes', async () => {
    const { done, events, said, journal } = await guarding({ says: [register(0), register(1), register(2)] });
    expect(done).toBe(true);
    expect(events.slice(events.indexOf('adopt paper'))).toEqual([
      'adopt paper',
      'fence 4711 at undo 2, look 2, undo 1, look 1, undo 0, look 0',
      'undo 2',
      'look 2',
      'undo 1',
      'look 1',
      'undo 0',
      'look 0',
      ...gone,
    ]);
    expect(said.join(' ')).toBe('register register register runner-gone fenced undid read-back undid read-back undid read-back clean');
    expect(journal[3]).toEqual({ say: 'runner-gone', pending: 3 });
    expect(journal[4]).toEqual({ say: 'fenced', tookMs: 0 });
    expect(journal.slice(5, 7)).toEqual([
      { say: 'undid', id: 2, exitCode: 0, output: '' },
      { say: 'read-back', id: 2, clean: true, residue: '' },
    ]);
    // Three looks, each a moment after its removal.
    expect(journal.at(-1)).toEqual({ say: 'clean', tookMs: 600 });
  });
  it('leaves alone what the runner has undone', async () => {
    const { events, journal } = await guarding({ says: [register(0), register(1), { say: 'undone', id: 0 }] });
    expect(undone(events)).toEqual(['undo 1']);
    expect(journal).toContainEqual({ say: 'undone', id: 0 });
  });
  it('has nobody to end where nothing was noted, and removes all the same', async () => {
    const { done, events } = await guarding({ says: [register(0), { say: 'undone', id: 0 }] });
    expect(done).toBe(true);
    expect(events.slice(5)).toEqual(['adopt paper', ...gone]);
  });
  it('takes half a message for the end of the runner', async () => {
    const { events } = await guarding({ says: [register(0), '{"say":"undone","i', { say: 'farewell' }] });
    expect(undone(events)).toEqual(['undo 0']);
    expect(events.filter((event) => event === 'heard')).toHaveLength(1);
    expect(events).toContain('remove');
  });
  it('works at one node beside another', async () => {
    const answer: Answer = (command) => (scriptOf(command) === 'undo 1' ? never() : undefined);
    const { events, said } = await guarding({ says: [register(0, 'node-1'), register(1, 'node-2'), register(2, 'node-1')], answer });
    expect(undone(events)).toEqual(['undo 2', 'undo 1', 'undo 0']);
    expect(said.indexOf('undo-failed')).toBeGreaterThan(said.lastIndexOf('read-back'));
  });
  it('goes on where the shells of the runner cannot be ended, or not in time', async () => {
    const failing = await guarding({ says: [register(0)], hosts: { fence: () => Promise.reject(new Error('no shell')) } });
    expect(failing.journal).toContainEqual({ say: 'fence-failed', because: 'no shell' });
    expect(failing.events.slice(-8)).toEqual(['undo 0', 'look 0', ...gone]);
    for (const [mode, says] of [
      ['remove', '1.50 s'],
      ['heal', '15.0 s'],
    ] as const) {
      const { journal, events } = await guarding({ says: [register(0)], mode, hosts: { fence: never } });
      expect(journal).toContainEqual({
        say: 'fence-failed',
        because: `ending what runs in the toolboxes took longer than ${says}`,
      });
      expect(undone(events)).toEqual(['undo 0']);
    }
  });
  it('waits for a container engine that is away for a while', async () => {
    let tries = 0;
    const hosts = new PaperHosts();
    const adopt = (): Promise<PaperHosts> => (++tries < 500 ? Promise.reject(new Error('no engine')) : Promise.resolve(hosts));
    const { done, journal } = await guarding({ says: [register(0)], driver: { adopt } });
    expect(done).toBe(true);
    expect(hosts.performed).toHaveLength(2);
    expect(journal.at(-1)).toEqual({ say: 'clean', tookMs: 499 * 500 + 600 });
  });
  it('says so where the container engine does not come back', async () => {
    const { done, journal } = await guarding({ driver: { adopt: () => Promise.reject(new Error('no engine')) } });
    expect(done).toBe(false);
    expect(journal.at(-1)).toEqual({ say: 'failed', because: 'waited 5 min 0 s for the container engine, still lacking: no engine' });
  });
});

describe('a guard that removes', () => {
  it('tries each step once, for what is removed takes its residue along', async () => {
    const { done, events, journal } = await guarding({
      says: [register(0), register(1)],
      answer: (command) => (scriptOf(command) === 'look 1' ? left : undefined),
    });
    expect(done).toBe(true);
    expect(events.slice(events.indexOf('undo 1'))).toEqual(['undo 1', 'look 1', 'undo 0', 'look 0', ...gone]);
    expect(journal).toContainEqual({ say: 'read-back', id: 1, clean: false, residue: 'still there' });
    expect(journal).toContainEqual({
      say: 'undo-failed',
      node: 'node-1',
      id: 1,
      because: 'waited 0 ms for the residue of a fault at node-1 to be gone, still lacking: still there (undo: exit 0 )',
    });
  });
  it('waits no longer than a moment for a step', async () => {
    const { done, events, journal } = await guarding({
      says: [register(0), register(1)],
      answer: (command) => (scriptOf(command) === 'undo 1' ? never() : undefined),
    });
    expect(done).toBe(true);
    expect(journal).toContainEqual({ say: 'undo-failed', node: 'node-1', id: 1, because: 'undo 1 took longer than 1.50 s' });
    expect(events.slice(events.indexOf('undo 1'))).toEqual(['undo 1', 'undo 0', 'look 0', ...gone]);
  });
  it('goes on until three looks in a row find nothing of this run', async () => {
    const ours = { runId: 'paper' };
    const theirs = { runId: 'other' };
    const looks = [[ours], [], [theirs], [theirs, ours], [], [theirs], []];
    let removals = 0;
    const seen: number[] = [];
    const { done } = await guarding({
      hosts: { remove: async () => void removals++ },
      driver: {
        leftovers: async () => {
          seen.push(removals);
          return looks[seen.length - 1] as never;
        },
      },
    });
    expect(done).toBe(true);
    // A removal before each look.
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
  it('says so where something cannot be removed', async () => {
    const { done, journal } = await guarding({ hosts: { remove: () => Promise.reject(new Error('a volume is in use')) } });
    expect(done).toBe(false);
    expect(journal.at(-1)).toEqual({ say: 'failed', because: 'a volume is in use' });
  });
});

describe('a guard that heals', () => {
  const mode = 'heal';
  /** Dirty at each look until so many were made. */
  const cleanAfter = (looks: number): Answer => {
    let made = 0;
    return (command) => (scriptOf(command) === 'look 1' && ++made <= looks ? left : undefined);
  };

  it('removes nothing', async () => {
    const { done, events, said } = await guarding({ mode, says: [register(0)] });
    expect(done).toBe(true);
    expect(events).not.toContain('remove');
    expect(said).toEqual(['register', 'runner-gone', 'fenced', 'undid', 'read-back', 'clean']);
    expect(await guarding({ mode })).toMatchObject({ done: true, events: ['ready', 'adopt paper'] });
  });
  it('tries a step until it is seen to be clean, and only then the older ones of that node', async () => {
    const { done, events, said } = await guarding({ mode, says: [register(0), register(1)], answer: cleanAfter(20) });
    expect(done).toBe(true);
    expect(events.slice(-44)).toEqual([...Array.from({ length: 21 }, () => ['undo 1', 'look 1']).flat(), 'undo 0', 'look 0']);
    expect(said).not.toContain('undo-failed');
  });
  it('gives a step the time that it asks for, and 5 s otherwise', async () => {
    const patient = await guarding({ mode, says: [register(1, 'node-1', { withinMs: 10_000 })], answer: cleanAfter(70) });
    expect(patient.done).toBe(true);
    const { done, journal } = await guarding({ mode, says: [register(1)], answer: cleanAfter(70) });
    expect(done).toBe(false);
    expect(journal.at(-2)).toMatchObject({ say: 'undo-failed', because: expect.stringContaining('waited 5.00 s for the residue') });
  });
  it('leaves the older steps of a node alone that may rest on what is left, goes on elsewhere, and says what is left', async () => {
    const { done, events, journal } = await guarding({
      mode,
      says: [register(0), register(1), register(2), register(3, 'node-2')],
      answer: cleanAfter(1_000),
    });
    expect(done).toBe(false);
    expect(new Set(undone(events))).toEqual(new Set(['undo 2', 'undo 3', 'undo 1']));
    expect(journal.at(-1)).toEqual({
      say: 'failed',
      because: 'not seen to be clean: undo 1, 0; `slotquake heal all` tries again',
    });
  });
  it('takes back last what was registered as the last, at another node too', async () => {
    const says = [register(0, 'node-2', { last: true }), register(1, 'node-1'), register(2, 'node-2')];
    const { done, events } = await guarding({ mode, says, answer: cleanAfter(3) });
    expect(done).toBe(true);
    expect(undone(events)).toEqual(['undo 2', 'undo 1', 'undo 1', 'undo 1', 'undo 1', 'undo 0']);
  });
  it('leaves the last one where another is left', async () => {
    const says = [register(0, 'node-2', { last: true }), register(1, 'node-1')];
    const { done, events, journal } = await guarding({ mode, says, answer: cleanAfter(1_000) });
    expect(done).toBe(false);
    expect(events).not.toContain('undo 0');
    expect(journal.at(-1)?.['because']).toContain('undo 1;');
  });
  it('says so where the last one is left', async () => {
    const { done } = await guarding({ mode, says: [register(1, 'node-1', { last: true })], answer: cleanAfter(1_000) });
    expect(done).toBe(false);
  });
});
