import { styleText } from 'node:util';
import type { Answer, AuditResult, FailureAnswer } from '../audit.ts';
import { hanging } from '../report/hanging.ts';
import { byReason, decidingCells, labelOf, remedyText, summary, warningText } from './summary.ts';

const colours = { exposed: 'red', inconclusive: 'yellow', protected: 'green', 'not applicable': 'dim' } as const satisfies Record<
  Answer,
  string
>;

/** For a terminal of that many columns, the worst first; what is well without many words. */
export function auditText(result: AuditResult, columns = process.stdout.columns ?? 100): string {
  const { failures, warnings, apart, others, folder, seconds } = result;
  const of = (answer: Answer): readonly FailureAnswer[] => failures.filter((failure) => failure.answer === answer);
  const width = Math.max(0, ...of('not applicable').map(({ experiment }) => experiment.length));
  const notTried = of('not applicable').map(
    ({ experiment, because }) => `  ${experiment.padEnd(width)}  ${hanging(because, width + 4, columns)}`,
  );
  if (notTried.length > 0) notTried.unshift('', styleText('bold', 'NOT APPLICABLE'));
  return [
    styleText('bold', hanging(summary(result), 0, columns)),
    ...warnings.map((warning) => `  ${styleText('yellow', '!')} ${hanging(warningText(warning), 4, columns)}`),
    ...of('exposed').flatMap((failure) => ['', ...inFull(failure, columns)]),
    ...of('inconclusive').flatMap((failure) => ['', ...inFull(failure, columns)]),
    ...of('protected').flatMap((failure) => ['', ...inFull(failure, columns)]),
    ...notTried,
    ...listed('your other settings', others, columns),
    ...listed('left out, because a run in containers cannot have it', apart, columns),
    '',
    styleText('dim', `${Math.round(seconds)} s; all of it is in ${folder}/audit.json`),
  ].join('\n');
}

function inFull(failure: FailureAnswer, columns: number): string[] {
  const { experiment, symptom, because, scaling, deciding, beside, remedy, lines, report, again, answer } = failure;
  const field = (name: string, text: string): string => `  ${styleText('dim', name.padEnd(9))} ${hanging(text, 12, columns)}`;
  const cells = deciding.map(decidingCells);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
  const table = cells.map((row, index) =>
    `  ${styleText('dim', (index === 0 ? 'setting' : '').padEnd(9))} ${row
      .slice(0, 3)
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')}  ${deciding[index]?.ranWith === null ? '' : 'ran with '}${row[3]}`.trimEnd(),
  );
  return [
    `${styleText(['bold', colours[answer]], labelOf(failure).toUpperCase())}  ${styleText('bold', experiment)}`,
    ...(answer === 'protected' ? [] : [`  ${hanging(symptom, 2, columns)}`]),
    field('seen', because.length > 320 ? `${because.slice(0, 300)}… (all of it is in the report)` : because),
    ...table,
    ...(scaling === '' || answer === 'protected' ? [] : [field('scale', scaling)]),
    ...(beside.length === 0 || answer === 'protected' ? [] : [field('beside', `${beside.join(', ')}, as you have them`)]),
    ...(answer === 'exposed' ? [field('remedy', remedy), ...lines.map((line) => `  ${' '.repeat(9)} ${styleText('bold', line)}`)] : []),
    ...(remedyText(failure) === '' ? [] : [field('with it', remedyText(failure))]),
    ...(report === null ? [] : [`  ${styleText('dim', 'report'.padEnd(9))} ${report}`]),
    ...(again === null || answer !== 'inconclusive' ? [] : [`  ${styleText('dim', 'again'.padEnd(9))} ${again}`]),
  ];
}

function listed(title: string, remarks: AuditResult['apart'], columns: number): string[] {
  if (remarks.length === 0) return [];
  return [
    '',
    styleText('dim', title),
    ...byReason(remarks).map(({ because, what }) => {
      const names = what.map(({ directive }) => directive).join(', ');
      return styleText('dim', `  ${hanging(`${because}: ${names}`, 4, columns)}`);
    }),
  ];
}
