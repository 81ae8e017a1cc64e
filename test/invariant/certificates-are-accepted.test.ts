import { describe, expect, it } from 'vitest';
import certificates from '../../src/invariant/certificates-are-accepted.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { run } from '../recorded.ts';
import { film, startsAtMs, type Timed } from './recorded.ts';

const overTls = { settings: { ...run.settings, 'tls-port': '6379', loglevel: 'verbose' } };
const refused = (...atMs: readonly number[]): Timed[] =>
  atMs.map((at) => ({
    atMs: at,
    type: 'log-line',
    node: 'node-2',
    kind: 'certificate-refused',
    loggedAtMs: at,
    text: '1:M 24 Nov 2026 23:05:01.848 - Error accepting cluster node connection: certificate verify failed',
  }));
const late = [startsAtMs.settle + 1_600, startsAtMs.settle + 1_900];

describe('certificates-are-accepted', () => {
  it('holds where there are none', () =>
    expect(certificates.check(film())).toMatchObject({ outcome: 'held', because: expect.stringContaining('nobody') }));
  it('holds on a healthy run', () => expect(certificates.check(film({ info: overTls }))).toMatchObject({ outcome: 'held' }));
  it('is violated by a link that is refused to the end', () => {
    expect(certificates.check(film({ info: overTls, extra: refused(...late) }))).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^node-2 logged 2 times such as: Error accepting/),
    });
  });
  it('holds where the last heal has ended it', () => {
    const extra = refused(startsAtMs.settle - 10);
    expect(certificates.check(film({ info: overTls, extra }))).toMatchObject({ outcome: 'held' });
  });
  it('is unknown where the engine would not have said so', () => {
    const info = { settings: { ...overTls.settings, loglevel: 'notice' } };
    expect(certificates.check(film({ info }))).toMatchObject({ outcome: 'unknown', because: expect.stringContaining('notice') });
  });
  it('is unknown where the end was not seen', () => {
    const { events } = film();
    expect(certificates.check(new Timeline({ ...run, ...overTls }, events.slice(0, 50)))).toMatchObject({ outcome: 'unknown' });
  });
  it('is unknown where a node says nothing in the end', () => {
    const change = (_: unknown, node: string, atMs: number) => (node === 'node-4' && atMs > startsAtMs.verify ? false : undefined);
    expect(certificates.check(film({ info: overTls, change }))).toMatchObject({
      outcome: 'unknown',
      because: expect.stringContaining('node-4'),
    });
  });
});
