import { describe, expect, it } from 'vitest';
import { causeOf, failedAtMs, failovers, wasAskedFor } from '../../src/timeline/failovers.ts';
import { measure } from '../../src/timeline/measures.ts';
import type { Timeline } from '../../src/timeline/timeline.ts';
import { type Answers, fault, film, line, type Timed } from '../invariant/recorded.ts';
import { idOf } from '../recorded.ts';

const becomes = (answers: Answers, node: string, role: 'primary' | 'replica'): void =>
  line(answers, idOf(node), {
    flags: ['myself', role === 'primary' ? 'master' : 'slave'],
    slots: role === 'primary' ? [[0, 5460]] : [],
    primary: role === 'primary' ? null : idOf('node-1'),
  });
/** node-1 is silent from 2 s to 6 s, node-4 takes over at 4.5 s, and gives back at 7 s. */
const thereAndBack = (extra: readonly Timed[] = []): Timeline =>
  film({
    extra,
    change: (answers, node, atMs) => {
      if (node === 'node-4' && atMs > 4_500 && atMs < 7_100) becomes(answers, node, 'primary');
      if (node === 'node-1' && atMs > 6_000 && atMs < 7_000) becomes(answers, node, 'replica');
      return node === 'node-1' && atMs > 2_000 && atMs < 6_000 ? false : undefined;
    },
  });
const numbered = (id: number, of: readonly Timed[]): Timed[] => of.map((event) => ('fault' in event ? { ...event, fault: id } : event));
const measured = (timeline: Timeline) => Object.fromEntries(measure(timeline, []).map(({ name, measuredMs }) => [name, measuredMs]));

describe('a failover', () => {
  it('is from whoever was the primary at that moment, also one that had become it in the run', () => {
    expect(failovers(thereAndBack()).map(({ by, victim }) => [victim, by])).toEqual([
      ['node-1', 'node-4'],
      ['node-4', 'node-1'],
    ]);
  });
  it('is none where a stranger comes, or a primary without slots', () => {
    const stranger = film({
      change: (answers, node, atMs) => {
        if (node !== 'node-4' || atMs < 4_000) return;
        becomes(answers, node, 'primary');
        line(answers, idOf('node-4'), { id: idOf('stranger') });
      },
    });
    const empty = film({
      change: (answers, node, atMs) => {
        if (node === 'node-4' && atMs > 4_000) line(answers, idOf('node-4'), { flags: ['myself', 'master'], primary: null });
      },
    });
    expect([...failovers(stranger), ...failovers(empty)]).toEqual([]);
  });
  it('was caused by the last fault that hurt its victim early enough', () => {
    const faults = [
      ...numbered(1, fault('node-2', 'isolated', 1_200, 1_500)),
      ...numbered(2, fault('node-1', 'crashed', 2_000, 6_000)),
      ...numbered(3, fault('node-1', 'isolated', 4_400, 6_000)),
    ];
    const timeline = thereAndBack(faults);
    const [first] = failovers(timeline);
    expect(first && causeOf(timeline, first)?.fault).toBe(2);
    expect(measured(timeline)).toMatchObject({ failover: 4_513 - 2_050 });
  });
  it('began with the end of its process where no fault ended it', () => {
    const dead = thereAndBack([{ atMs: 2_000, type: 'container-exited', node: 'node-1', exitCode: 137, expected: false }]);
    expect(measured(dead)).toMatchObject({ failover: 2_513 });
  });
  it('is not laid to a fault that was healed long before, nor to one at somebody else', () => {
    const timeline = thereAndBack(fault('node-2', 'crashed', 1_200, 6_000));
    expect(failovers(timeline).map((failover) => causeOf(timeline, failover))).toEqual([undefined, undefined]);
    expect(measured(timeline)).toMatchObject({ failover: null });
  });
  it('was asked for by a command that the engine took, or by the fault that gives it, and by nothing else', () => {
    const commanded = (command: string, node = 'node-1', failed = false): Timed => ({
      atMs: 6_500,
      type: 'commanded',
      node,
      command,
      answer: 'OK',
      failed,
    });
    const told = (extra: readonly Timed[]) => failovers(thereAndBack(extra)).map((each) => wasAskedFor(thereAndBack(extra), each));
    expect(told([commanded('CLUSTER FAILOVER FORCE')])).toEqual([false, true]);
    expect(told([commanded('CLUSTER FAILOVER', 'node-5')])).toEqual([false, false]);
    expect(told([commanded('CLUSTER FAILOVER', 'node-1', true)])).toEqual([false, false]);
    expect(told([commanded('CLUSTER NODES')])).toEqual([false, false]);
    const ours = fault('node-1', null, 6_500, 6_600).map((event) =>
      event.type === 'fault-injecting' ? { ...event, name: 'failover' } : event,
    );
    expect(told(ours)).toEqual([false, true]);
  });
});

describe('the first mark of a failed node', () => {
  const logged = (atMs: number, text: string): Timed => ({ atMs, type: 'log-line', node: 'node-3', loggedAtMs: atMs, kind: 'fail', text });
  it('is taken from a line that speaks of it, not of who sent it', () => {
    const timeline = film({
      extra: [
        logged(3_000, `FAIL message received from ${idOf('node-1')} about ${idOf('node-2')}`),
        logged(4_000, `FAIL message received from ${idOf('node-2')} about ${idOf('node-1')}`),
      ],
    });
    expect([failedAtMs(timeline, 'node-1', 0), failedAtMs(timeline, 'node-2', 0), failedAtMs(timeline, 'node-3', 0)]).toEqual([
      4_000,
      3_000,
      undefined,
    ]);
  });
});

describe('the recovery', () => {
  it('is measured to the first healthy moment after the heal, however late the run begins to wait for it', () => {
    const slept = film({
      extra: fault('node-1', 'frozen', 2_000, 4_000),
      change: (_, node, atMs) => (node === 'node-1' && atMs > 2_000 && atMs < 4_600 ? false : undefined),
    });
    const settled = slept.of('settled')[0];
    expect(settled && measured(slept)['rejoin']).toBe(400);
    const late = film({
      extra: [...fault('node-1', 'frozen', 2_000, 4_000), { atMs: 8_600, type: 'settled', afterMs: 4_600 }],
      change: (_, node, atMs) => (node === 'node-1' && atMs > 2_000 && atMs < 4_600 ? false : undefined),
    });
    expect(measured(late)['rejoin']).toBe(610);
  });
});
