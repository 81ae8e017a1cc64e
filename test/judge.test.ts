import { describe, expect, it } from 'vitest';
import { held, type Invariant, unknown, violated } from '../src/invariant.ts';
import { judge } from '../src/judge.ts';
import { Timeline } from '../src/timeline/timeline.ts';
import type { Happening } from '../src/timeline.ts';
import { recorded } from './recorded.ts';

const says = (name: string, check: Invariant['check']): Invariant => ({ name, claim: name, check });
const good = says('good', () => held('yes'));
const bad = says('bad', () => violated('no', [1]));
const dumb = says('dumb', () => unknown('saw nothing'));
const fault: readonly Happening[] = [
  { type: 'fault-injecting', fault: 1, name: 'nothing', plan: {}, nodes: ['node-1'], exposes: [] },
  { type: 'fault-injected', fault: 1 },
];
const verdict = (invariants: readonly Invariant[], options: Parameters<typeof recorded>[0] = {}) =>
  judge(recorded(options), null, invariants);

describe('judge', () => {
  it('finds a run as expected when everything held', () => expect(verdict([good]).verdict).toBe('as-expected'));
  it('finds a surprise not as expected', () => expect(verdict([good, bad]).verdict).toBe('not-as-expected'));
  it('finds exactly the expected symptom as expected', () =>
    expect(verdict([good, bad], { info: { expect: { bad: 'violated' } } }).verdict).toBe('as-expected'));
  it('says when the symptom was not reproduced', () =>
    expect(verdict([good], { info: { expect: { good: 'violated' } } })).toMatchObject({
      verdict: 'not-as-expected',
      because: expect.stringContaining('symptom not reproduced'),
    }));
  it('lets chance decide of what is not asked, but needs a symptom to be asked for', () => {
    expect(verdict([good], { info: { expect: { elsewhere: 'open' } } }).verdict).toBe('as-expected');
    expect(verdict([good], { info: { expect: { elsewhere: 'violated' } } }).verdict).toBe('inconclusive');
  });
  it("counts the experiment's own assertions as findings", () =>
    expect(
      verdict([good], { extra: [{ type: 'assertion-failed', because: 'the experiment asserts at a.ts:1:2: 1 is not 2' }] }),
    ).toMatchObject({
      verdict: 'not-as-expected',
      because: 'violated: assertions (the experiment asserts at a.ts:1:2: 1 is not 2)',
      findings: [{ invariant: 'good' }, { invariant: 'assertions', finding: { outcome: 'violated', witnesses: [expect.any(Number)] } }],
    }));
  it('says when nothing was done', () => {
    expect(verdict([good]).because).toBe('all 1 invariants held; nothing was done to the cluster');
    const commanded: Happening = { type: 'commanded', node: 'node-1', command: 'CLUSTER FAILOVER', answer: 'OK', failed: false };
    expect(verdict([good], { extra: [commanded] }).because).toBe('all 1 invariants held');
  });
  it('is inconclusive about what nobody saw', () => expect(verdict([good, dumb]).verdict).toBe('inconclusive'));
  it('takes a check that throws as unknown', () =>
    expect(
      verdict([
        says('broken', () => {
          throw new Error('oops');
        }),
      ]),
    ).toMatchObject({ verdict: 'inconclusive', because: expect.stringContaining('oops') }));
  it('is inconclusive when a fault did nothing', () =>
    expect(verdict([good], { extra: fault })).toMatchObject({
      verdict: 'inconclusive',
      because: expect.stringContaining('the fault had no effect'),
    }));
  it('accepts a fault that was seen to bite', () =>
    expect(verdict([good], { extra: [...fault, { type: 'fault-effective', fault: 1, evidence: ['3 packets'] }] }).verdict).toBe(
      'as-expected',
    ));
  it('reports a failed heal above all else', () =>
    expect(verdict([bad], { extra: [{ type: 'heal-failed', fault: 1, because: 'stuck' }] }).verdict).toBe('harness-failed'));
  it('is inconclusive when a step was missed that the experiment counts on', () =>
    expect(verdict([bad], { extra: [{ type: 'step-missed', because: 'waited 15s in vain until it is replaced' }] })).toMatchObject({
      verdict: 'inconclusive',
      because: 'waited 15s in vain until it is replaced',
    }));
  it('is inconclusive about a fault that was said to be idle, whatever else was found', () => {
    expect(verdict([bad], { extra: [...fault, { type: 'fault-ineffective', fault: 1, because: 'no packet was dropped' }] })).toMatchObject({
      verdict: 'inconclusive',
      because: expect.stringContaining('no packet was dropped'),
    });
  });
  it('finds another symptom than the expected one not as expected', () =>
    expect(verdict([good, bad], { info: { expect: { good: 'violated' } } }).verdict).toBe('not-as-expected'));
  it('passes nothing when nothing was asked, or not what the symptom is of', () => {
    expect(verdict([])).toMatchObject({ verdict: 'inconclusive', because: 'no invariant was asked' });
    expect(verdict([good], { info: { expect: { misspelt: 'violated' } } })).toMatchObject({
      verdict: 'inconclusive',
      because: expect.stringContaining('misspelt'),
    });
  });
  it('is inconclusive about a record that ends before the run did', () => {
    const whole = recorded();
    expect(judge(new Timeline(whole.run, whole.events.slice(0, -1)), null, [good])).toMatchObject({ verdict: 'inconclusive' });
  });
  it('reports an aborted run', () => expect(verdict([good], { extra: [{ type: 'aborted', because: 'Ctrl-C' }] }).verdict).toBe('aborted'));
});
