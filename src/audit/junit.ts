import type { AuditResult, FailureAnswer } from '../audit.ts';
import { escape } from '../report/escape.ts';
import { decidingCells, summary } from './summary.ts';

/** XML 1.0 has no place for most control characters, not even escaped. */
// oxlint-disable-next-line no-control-regex
const text = (raw: string): string => escape(raw.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '·'));

/** For a pipeline: exposed fails, inconclusive is an error, what is accepted or cannot be tried is skipped. */
export function auditJunit(result: AuditResult): string {
  const { failures, engine, conf, startedAt, seconds } = result;
  const count = (test: (failure: FailureAnswer) => boolean): number => failures.filter(test).length;
  const isFailure = ({ answer, accepted }: FailureAnswer): boolean => answer === 'exposed' && !accepted;
  const isError = ({ answer, accepted }: FailureAnswer): boolean => answer === 'inconclusive' && !accepted;
  const isSkipped = ({ answer, accepted }: FailureAnswer): boolean => answer === 'not applicable' || (accepted && answer !== 'protected');
  const body = (failure: FailureAnswer): string => {
    const { because, symptom, deciding, remedy, lines, report } = failure;
    if (isSkipped(failure)) return `<skipped message="${text(failure.accepted ? `accepted: ${because}` : because)}"/>`;
    if (!isFailure(failure) && !isError(failure)) return '';
    const details = [
      symptom,
      ...deciding.map((each) =>
        decidingCells(each)
          .filter((cell) => cell !== '')
          .join('  '),
      ),
      ...(isFailure(failure) ? [remedy, ...lines] : []),
      ...(report === null ? [] : [report]),
    ];
    const tag = isFailure(failure) ? 'failure' : 'error';
    return `<${tag} message="${text(because)}">${text(details.join('\n'))}</${tag}>`;
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="${text(`slotquake audit of ${conf} on ${engine.kind} ${engine.version}`)}" tests="${failures.length}" failures="${count(isFailure)}" errors="${count(isError)}" skipped="${count(isSkipped)}" time="${seconds.toFixed(1)}" timestamp="${text(startedAt)}">
    <system-out>${text(summary(result))}</system-out>
${failures.map((failure) => `    <testcase classname="${text(conf)}" name="${text(failure.experiment)}">${body(failure)}</testcase>`).join('\n')}
  </testsuite>
</testsuites>
`;
}
