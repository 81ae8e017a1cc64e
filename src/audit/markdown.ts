import type { Answer, AuditResult, FailureAnswer } from '../audit.ts';
import { table } from '../base/markdown.ts';
import { byReason, decidingCells, labelOf, remedyText, summary, warningText } from './summary.ts';

/** Nothing of a record may become markup or end a cell. */
const cell = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text).replaceAll('`', "'")}\``);

/** For a ticket or a pull request. */
export function auditMarkdown(result: AuditResult): string {
  const of = (answer: Answer): readonly FailureAnswer[] => result.failures.filter((failure) => failure.answer === answer);
  const rows = (answer: Answer): string[][] => of(answer).map(({ experiment, because }) => [code(experiment), cell(because)]);
  const section = (title: string, ...body: readonly string[]): string[] => (body.join('') === '' ? [] : [`## ${title}`, ...body]);
  const remarks = (list: AuditResult['apart']): string =>
    byReason(list)
      .map(({ because, what }) => `- ${cell(because)}: ${what.map(({ directive }) => code(directive)).join(', ')}`)
      .join('\n');
  return `${[
    '# Would it hit me?',
    cell(summary(result)),
    result.warnings.map((warning) => `- ${cell(warningText(warning))}`).join('\n'),
    ...section('Exposed', ...of('exposed').map(inFull)),
    ...section('Inconclusive', ...of('inconclusive').map(inFull)),
    ...(of('protected').length === 0 ? [] : section('Protected', table(['failure', 'what was seen'], rows('protected')))),
    ...(of('not applicable').length === 0 ? [] : section('Not applicable', table(['failure', 'why'], rows('not applicable')))),
    ...section('Your other settings', remarks(result.others)),
    ...section('Left out, because a run in containers cannot have it', remarks(result.apart)),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

function inFull(failure: FailureAnswer): string {
  const { experiment, symptom, because, scaling, deciding, beside, remedy, lines, report, answer } = failure;
  return [
    `### ${experiment} (${labelOf(failure)})`,
    `${cell(symptom)}\n\nSeen: ${cell(because)}`,
    deciding.length === 0
      ? ''
      : table(
          ['setting', 'in production', 'set in', 'the run had'],
          deciding.map(decidingCells).map(([name, value, at, ran]) => [code(name), code(value), cell(at), cell(ran)]),
        ),
    scaling === '' ? '' : `Scale: ${cell(scaling)}`,
    beside.length === 0 ? '' : `Beside, as they are: ${beside.map(code).join(', ')}`,
    answer === 'exposed' ? cell(remedy) : '',
    answer === 'exposed' && lines.length > 0 ? `\`\`\`\n${lines.join('\n')}\n\`\`\`` : '',
    remedyText(failure) === '' ? '' : `With it: ${cell(remedyText(failure))}`,
    report === null ? '' : `Report: ${code(report)}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
