import { describe, expect, it } from 'vitest';
import logins from '../../src/invariant/logins-are-accepted.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { film, startsAtMs, type Timed } from './recorded.ts';

const words = {
  'login-refused':
    '1:S 24 Nov 2026 23:05:01.848 # Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.',
  'certificate-refused': '1:M 24 Nov 2026 23:05:01.848 - Error accepting cluster node connection: certificate verify failed',
} as const;
const refused = (kind: keyof typeof words, node: string, ...atMs: readonly number[]): Timed[] =>
  atMs.map((at) => ({ atMs: at, type: 'log-line', node, kind, loggedAtMs: at, text: words[kind] }));
const late = [startsAtMs.settle + 1_600, startsAtMs.settle + 1_900];

describe('logins-are-accepted', () => {
  it('holds on a healthy run', () => expect(logins.check(film())).toMatchObject({ outcome: 'held' }));
  it('is violated by who is refused to the end, in the words of the engine', () => {
    expect(logins.check(film({ extra: refused('login-refused', 'node-1', ...late) }))).toMatchObject({
      outcome: 'violated',
      because: 'node-1 logged 2 times such as: Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.',
      witnesses: [expect.any(Number), expect.any(Number)],
    });
  });
  it('holds where the last heal has ended it, once a second has passed', () => {
    const early = [startsAtMs.disturb + 500, startsAtMs.settle - 10, startsAtMs.settle + 900];
    expect(logins.check(film({ extra: refused('login-refused', 'node-1', ...early) }))).toMatchObject({ outcome: 'held' });
  });
  it('does not take a certificate for a login', () =>
    expect(logins.check(film({ extra: refused('certificate-refused', 'node-1', ...late) }))).toMatchObject({ outcome: 'held' }));
  it('is unknown where the end was not seen', () => {
    const { run: info, events } = film();
    const cut = events.filter((event) => event.type !== 'phase-entered' || event.phase !== 'judge');
    expect(logins.check(new Timeline(info, cut))).toMatchObject({ outcome: 'unknown' });
  });
  it('is unknown where a node says nothing in the end', () => {
    const timeline = film({ change: (_answers, node, atMs) => (node === 'node-4' && atMs > startsAtMs.verify ? false : undefined) });
    expect(logins.check(timeline)).toMatchObject({ outcome: 'unknown', because: expect.stringContaining('node-4') });
  });
});
