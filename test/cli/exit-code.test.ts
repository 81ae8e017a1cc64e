import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AbortedError, type ExitCode, exitCode, InconclusiveError, SlotquakeError, UsageError } from '../../src/base/errors.ts';
import { codeOfCheck, codeOfError, codeOfRun, worse } from '../../src/cli/exit-code.ts';
import type { Verdict } from '../../src/judge.ts';

describe('the exit codes', () => {
  it('are those of the README', () => {
    const readme = readFileSync(path.join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
    const table = /\| exit code \| meaning \|\n\| --- \| --- \|\n((?:\|.*\|\n)+)/.exec(readme)?.[1] ?? '';
    expect(table.trim().split('\n')).toEqual([
      `| ${exitCode.asExpected} | every variant as expected |`,
      `| ${exitCode.notAsExpected} | not as expected |`,
      `| ${exitCode.inconclusive} | inconclusive |`,
      `| ${exitCode.harnessFailed} | the harness failed |`,
      `| ${exitCode.badUsage} | bad usage or bad input |`,
      `| ${exitCode.aborted} | aborted |`,
    ]);
  });
  it('of errors are what they mean; what was not foreseen is a defect', () => {
    for (const error of [
      new SlotquakeError('no engine'),
      new UsageError('no such flag'),
      new InconclusiveError('no failover'),
      new AbortedError(),
    ])
      expect(codeOfError(error)).toBe(error.exitCode);
    expect(codeOfError(new TypeError('undefined is not a function'))).toBe(3);
    expect(codeOfError('a text')).toBe(3);
  });
  const verdicts: readonly (readonly [Verdict, ExitCode])[] = [
    ['as-expected', 0],
    ['not-as-expected', 1],
    ['inconclusive', 2],
    ['harness-failed', 3],
    ['aborted', 130],
  ];
  it.each(verdicts)('of a run that was %s is %i', (verdict, code) => expect(codeOfRun({ judgement: { verdict } })).toBe(code));
  it('of a run that an error ended is that of the error, where it was foreseen', () => {
    expect(codeOfRun({ judgement: { verdict: 'inconclusive' }, error: new UsageError('no such target') })).toBe(64);
    expect(codeOfRun({ judgement: { verdict: 'harness-failed' }, error: new TypeError('undefined') })).toBe(3);
  });
  it('of a record are no better than the record is whole', () => {
    expect(codeOfCheck('as-expected', [])).toBe(0);
    expect(codeOfCheck('as-expected', ['line 7 is no event'])).toBe(2);
    expect(codeOfCheck('not-as-expected', [])).toBe(1);
    expect(codeOfCheck('not-as-expected', ['line 7 is no event'])).toBe(1);
    for (const verdict of ['inconclusive', 'aborted', 'harness-failed'] as const) expect(codeOfCheck(verdict, [])).toBe(2);
  });
  it('of many are the worst, in whatever order they came', () => {
    const fromGoodToBad: readonly ExitCode[] = [0, 2, 1, 3, 64, 130];
    for (const [rank, code] of fromGoodToBad.entries()) {
      expect(worse(code, code)).toBe(code);
      for (const better of fromGoodToBad.slice(0, rank)) expect([worse(better, code), worse(code, better)]).toEqual([code, code]);
    }
  });
});
