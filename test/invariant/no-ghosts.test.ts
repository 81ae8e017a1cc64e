import { describe, expect, it } from 'vitest';
import ghosts from '../../src/invariant/no-ghosts.ts';
import { idOf, run } from '../recorded.ts';
import { type Answers, film, line, startsAtMs } from './recorded.ts';

const stranger = 'f'.repeat(40);
/** From `fromMs` to `toMs` this node lists one node more. */
const listing = (where: string, flags: readonly string[], fromMs: number, toMs: number = startsAtMs.judge) =>
  film({
    change: (answers: Answers, node, atMs) => {
      if (node === where && atMs >= fromMs && atMs < toMs)
        answers.topology = [
          ...answers.topology,
          { ...(answers.topology[1] as Answers['topology'][number]), id: stranger, address: '10.0.0.9:6379', flags },
        ];
    },
  });

describe('no-ghosts', () => {
  it('holds on a healthy run', () => expect(ghosts.check(film())).toMatchObject({ outcome: 'held' }));
  it('names a stranger, who lists it and where it is', () => {
    expect(ghosts.check(listing('node-2', ['master'], 9_000))).toMatchObject({
      outcome: 'violated',
      because: 'node-2 lists the stranger ffffffff… at 10.0.0.9:6379',
      witnesses: [expect.any(Number)],
    });
  });
  it('is violated by a handshake that shows for a moment at the end', () => {
    expect(ghosts.check(listing('node-2', ['handshake'], 9_200, 9_400))).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining('handshake'),
    });
  });
  it('is violated by a member that has lost its address', () => {
    const lost = film({
      change: (answers, node, atMs) => {
        if (node !== 'node-6' && atMs > 9_000) line(answers, idOf('node-6'), { flags: ['slave', 'noaddr'], address: ':0' });
      },
    });
    expect(ghosts.check(lost)).toMatchObject({ outcome: 'violated', because: expect.stringContaining('node-6 without an address') });
  });
  it('is violated by the old id of a node that was renamed', () => {
    const renamed = film({ extra: [{ atMs: 5_000, type: 'member-renamed', node: 'node-6', id: stranger }] });
    expect(ghosts.check(renamed)).toMatchObject({ outcome: 'violated', because: expect.stringContaining(idOf('node-6').slice(0, 8)) });
  });
  it('holds where a ghost was gone by the end', () => {
    expect(ghosts.check(listing('node-2', ['handshake'], 2_000, 8_900))).toMatchObject({ outcome: 'held' });
  });
  it('is unknown where somebody told no topology in the end', () => {
    const silent = film({ change: (_answers, node, atMs) => (node === run.nodes[3]?.name && atMs > 8_000 ? false : undefined) });
    expect(ghosts.check(silent)).toMatchObject({ outcome: 'unknown', because: expect.stringContaining('node-4') });
  });
});
