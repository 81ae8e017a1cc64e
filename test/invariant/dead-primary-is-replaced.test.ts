import { describe, expect, it } from 'vitest';
import replaced from '../../src/invariant/dead-primary-is-replaced.ts';
import { idOf, run } from '../recorded.ts';
import { type Answers, fault, film, line, type Timed } from './recorded.ts';

/** The others mark node-1 failed from 2 s on; node-4 takes over at a moment. */
const outage = ({
  takenAtMs = Number.POSITIVE_INFINITY,
  extra = [] as readonly Timed[],
  settings = {} as Readonly<Record<string, string>>,
  change = (_answers: Answers, _node: string, _atMs: number): void | false => undefined,
} = {}) =>
  replaced.check(
    film({
      extra: [...fault('node-1', 'crashed', 1_000, 8_500), ...extra],
      info: { settings: { ...run.settings, ...settings } },
      change: (answers, node, atMs) => {
        if (node === 'node-1' && atMs > 1_000 && atMs < 8_500) return false;
        if (node !== 'node-1' && atMs > 2_000 && atMs < 8_600) line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
        if (node === 'node-4' && atMs > takenAtMs)
          line(answers, idOf('node-4'), { flags: ['myself', 'master'], slots: [[0, 5460]], primary: null });
        return change(answers, node, atMs);
      },
    }),
  );
const says = (atMs: number, text: string): Timed => ({
  atMs,
  type: 'log-line',
  node: 'node-4',
  loggedAtMs: atMs,
  kind: 'cannot-failover',
  text: `1:S 24 Nov 2026 23:05:01.848 * ${text}`,
});

describe('dead-primary-is-replaced', () => {
  it('is violated where a replica lives, had its link and does not take over, in the words of its engine', () => {
    const finding = outage({ extra: [says(4_000, 'Currently unable to failover: Waiting for votes, but majority still not reached.')] });
    expect(finding).toMatchObject({
      outcome: 'violated',
      because:
        'node-1 was marked failed at 2.01 s and not replaced in 6.60 s, though node-4 could take over; node-4 says: Currently unable to failover: Waiting for votes, but majority still not reached.; an election takes up to 1.95 s',
    });
  });
  it('is violated where that takes too long, and holds where it does not', () => {
    expect(outage({ takenAtMs: 6_000 })).toMatchObject({
      outcome: 'violated',
      because: expect.stringContaining('replaced only after 4.00 s'),
    });
    expect(outage({ takenAtMs: 3_000 })).toMatchObject({ outcome: 'held' });
  });
  it('holds where no replica could take over', () => {
    const numbered = (of: readonly Timed[]): Timed[] => of.map((event) => ('fault' in event ? { ...event, fault: 2 } : event));
    // A fault is at it; it had lost its link long before; it may not; it is dead; most voters are hurt as well.
    expect(outage({ extra: numbered(fault('node-4', 'isolated', 1_500, 8_500)) }).outcome).toBe('held');
    expect(
      outage({
        settings: { 'cluster-replica-validity-factor': '1' },
        change: (answers, node) => {
          if (node === 'node-4') answers.replication = { ...answers.replication, link: 'down' };
        },
      }).outcome,
    ).toBe('held');
    expect(outage({ settings: { 'cluster-replica-no-failover': 'yes' } }).outcome).toBe('held');
    expect(outage({ extra: [{ atMs: 3_000, type: 'container-exited', node: 'node-4', exitCode: 137, expected: true }] }).outcome).toBe(
      'held',
    );
    expect(outage({ extra: numbered(fault('node-2', 'frozen', 1_500, 8_500)) }).outcome).toBe('held');
  });
});
