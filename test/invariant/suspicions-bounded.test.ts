import { describe, expect, it } from 'vitest';
import suspicions from '../../src/invariant/suspicions-bounded.ts';
import { idOf, run } from '../recorded.ts';
import { type Answers, film, line } from './recorded.ts';

const allowing = (allowed: number, change: (answers: Answers, node: string, atMs: number) => void | false = () => {}) =>
  suspicions.check(film({ change, info: { budget: { suspicions: allowed } } }));
/** node-2 flags node-1 in these spans. */
const flagging =
  (...spans: readonly (readonly [from: number, to: number, flag: string])[]) =>
  (answers: Answers, node: string, atMs: number) => {
    const flag = spans.find(([from, to]) => atMs >= from && atMs < to)?.[2];
    if (node === 'node-2' && flag) line(answers, idOf('node-1'), { flags: ['master', flag] });
  };

describe('suspicions-bounded', () => {
  it('is asked where the experiment allows a number of them', () => {
    expect(suspicions.suits(run)).toBe(false);
    expect(suspicions.suits({ ...run, budget: { suspicions: 0 } })).toBe(true);
  });
  it('holds where nobody suspects anybody', () => expect(allowing(0)).toMatchObject({ outcome: 'held' }));
  it('counts each time that a flag appears anew, and names who suspected whom', () => {
    const flapping = flagging([2_000, 3_000, 'fail?'], [4_000, 5_000, 'fail?'], [6_000, 7_000, 'fail?']);
    expect(allowing(2, flapping)).toMatchObject({
      outcome: 'violated',
      because: expect.stringMatching(/^3 suspicions, where 2 are allowed: node-2 suspected node-1 at 2\.0/),
      witnesses: [expect.any(Number), expect.any(Number), expect.any(Number)],
    });
    expect(allowing(3, flapping)).toMatchObject({ outcome: 'held' });
  });
  it('takes fail? that becomes fail for one suspicion', () => {
    expect(allowing(1, flagging([2_000, 3_000, 'fail?'], [3_000, 4_000, 'fail']))).toMatchObject({ outcome: 'held' });
  });
  it('leaves out what was before clients started', () => {
    expect(allowing(0, flagging([0, 100, 'fail?']))).toMatchObject({ outcome: 'held' });
  });
  it('is unknown where a node was not heard of in the end', () => {
    expect(allowing(0, (_answers, node, atMs) => (node === 'node-3' && atMs > 8_000 ? false : undefined))).toMatchObject({
      outcome: 'unknown',
    });
  });
});
