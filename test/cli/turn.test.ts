import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { passOn, turnOfParent } from '../../src/cli/turn.ts';
import type { Turn } from '../../src/pool.ts';

type Child = Parameters<typeof passOn>[3];
const never = new AbortController().signal;

/** A channel whose other end is this test. */
function channel(connected = true) {
  const sent: unknown[] = [];
  const emitter = new EventEmitter();
  const end = Object.assign(emitter, { connected, send: (message: unknown) => sent.push(message) });
  return { sent, emitter, end: end as unknown as NonNullable<Parameters<typeof turnOfParent>[0]> };
}

describe('the turn of a run that another process started', () => {
  it('is taken at the word of that process, which hears what the run says', async () => {
    const { sent, emitter, end } = channel();
    const turn = turnOfParent(end) as Turn;
    let taken = false;
    const taking = turn.take(never).then(() => (taken = true));
    await Promise.resolve();
    expect([sent, taken]).toEqual([[{ say: 'prepared' }], false]);
    emitter.emit('message', 'your turn');
    await taking;
    // It would keep the process alive.
    expect(emitter.listenerCount('message')).toBe(0);
    turn.spare();
    turn.over();
    expect(sent.slice(1)).toEqual([{ say: 'spares' }, { say: 'over' }]);
  });

  it('is waited for no longer than until the run is stopped', async () => {
    const { emitter, end } = channel();
    const stop = new AbortController();
    const taking = turnOfParent(end)?.take(stop.signal);
    stop.abort(new Error('stopped'));
    await expect(taking).rejects.toThrow('stopped');
    await expect(turnOfParent(end)?.take(stop.signal)).rejects.toThrow('stopped');
    expect(emitter.listenerCount('message')).toBe(0);
  });

  it("is nobody's to give where nobody started it", () => expect(turnOfParent(channel(false).end)).toBeUndefined());
});

describe('the turn of a job that another process carries out', () => {
  const told: string[] = [];
  const turn: Turn = {
    take: async (signal) => {
      signal.throwIfAborted();
      told.push('taken');
    },
    spare: () => void told.push('spared'),
    over: () => void told.push('over'),
  };

  it('is taken, spared and over as that process says, which is told when it is its turn', async () => {
    const sent: string[] = [];
    const child = { connected: true, send: (text: string) => sent.push(text) > 0 } as unknown as Child;
    await passOn({ say: 'prepared' }, turn, never, child);
    expect(sent).toEqual(['your turn']);
    await passOn({ say: 'spares' }, turn, never, child);
    await passOn({ say: 'over' }, turn, never, child);
    expect(sent).toHaveLength(1);
    expect(told.splice(0)).toEqual(['taken', 'spared', 'over']);
  });

  it('is not passed on after an abort', async () => {
    const sent: string[] = [];
    await passOn({ say: 'prepared' }, turn, AbortSignal.abort(new Error('stopped')), {
      connected: true,
      send: (text: string) => sent.push(text) > 0,
    } as unknown as Child);
    expect(sent).toEqual([]);
  });
});
