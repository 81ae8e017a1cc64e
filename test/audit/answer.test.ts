import { describe, expect, it } from 'vitest';
import { answerOf } from '../../src/audit/answer.ts';
import { held, unknown, violated, type Finding } from '../../src/invariant.ts';
import type { Judgement } from '../../src/judge.ts';
import { codeOf } from '../../src/cli/audit.ts';

type Found = Judgement['findings'][number];
const found = (invariant: string, finding: Finding, expected: Found['expected'] = 'held'): Found => ({
  invariant,
  claim: '',
  expected,
  finding,
});
const bad = violated('it broke', [1]);
const good = held('it held');

describe('what a run says', () => {
  it('is exposed where the symptom appeared, whatever else did', () => {
    const findings = [found('a', good), found('no-endless-full-resync', bad), found('c', unknown('too little')), found('d', bad)];
    expect(answerOf(findings, ['no-endless-full-resync'], undefined)).toEqual({
      answer: 'exposed',
      because: 'no-endless-full-resync: it broke; d: it broke',
      losesData: false,
    });
    expect(answerOf([found('no-acknowledged-write-lost', bad)], ['no-acknowledged-write-lost'], undefined).losesData).toBe(true);
  });
  it('is exposed where a part of the symptom appeared', () => {
    expect(answerOf([found('a', good), found('b', bad)], ['a', 'b'], undefined).answer).toBe('exposed');
  });
  it('is protected where everything held that does not depend on chance', () => {
    expect(answerOf([found('a', good), found('b', bad, 'open'), found('c', unknown('x'), 'open')], ['a'], undefined)).toMatchObject({
      answer: 'protected',
      because: 'all 1 properties held',
    });
  });
  it('is inconclusive where the symptom was not asked', () => {
    expect(answerOf([found('a', good)], ['b'], undefined)).toMatchObject({ answer: 'inconclusive', because: 'not asked: b' });
    expect(answerOf([], ['b'], undefined).answer).toBe('inconclusive');
  });
  it('is exposed where a symptom appeared that the audit names and the variant leaves to chance', () => {
    expect(answerOf([found('a', bad, 'open')], ['a'], undefined).answer).toBe('exposed');
  });
  it('is inconclusive where another symptom appeared, something stayed unknown, or the record says nothing', () => {
    expect(answerOf([found('a', good), found('b', bad)], ['a'], undefined).because).toBe(
      'the expected symptom did not appear, another did: b: it broke',
    );
    expect(answerOf([found('a', unknown('too little'))], ['a'], undefined)).toMatchObject({
      answer: 'inconclusive',
      because: 'not known: a: too little',
    });
    expect(answerOf([found('a', bad)], ['a'], { because: 'the fault had no effect' })).toMatchObject({
      answer: 'inconclusive',
      because: 'the fault had no effect',
    });
  });
});

describe('the exit code', () => {
  const codes: readonly (readonly [code: number, answers: Parameters<typeof codeOf>[0]])[] = [
    [0, []],
    [0, [{ answer: 'protected', accepted: false }]],
    [0, [{ answer: 'not applicable', accepted: false }]],
    [
      1,
      [
        { answer: 'inconclusive', accepted: false },
        { answer: 'exposed', accepted: false },
      ],
    ],
    [
      2,
      [
        { answer: 'inconclusive', accepted: false },
        { answer: 'exposed', accepted: true },
      ],
    ],
    [0, [{ answer: 'exposed', accepted: true }]],
    [0, [{ answer: 'inconclusive', accepted: true }]],
  ];
  for (const [code, answers] of codes)
    it(`is ${code} for ${answers.map(({ answer, accepted }) => `${answer}${accepted ? ', accepted' : ''}`).join(' and ') || 'nothing'}`, () =>
      expect(codeOf(answers)).toBe(code));
});
