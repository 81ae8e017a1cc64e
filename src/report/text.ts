import { styleText } from 'node:util';
import { formatMs } from '../base/duration.ts';
import type { Judgement } from '../judge.ts';
import type { RunInfo } from '../timeline.ts';

const signs = { held: styleText('green', '✓'), violated: styleText('red', '✗'), unknown: styleText('yellow', '?') } as const;

/** What is printed when a run is over: the verdict, every finding, the measures beside the theory. */
export function textReport(run: RunInfo, { verdict, because, findings, measures }: Judgement, folder: string): string {
  const colour = verdict === 'as-expected' ? 'green' : verdict === 'inconclusive' ? 'yellow' : 'red';
  const lines = [
    '',
    `${styleText(['bold', colour], verdict.replaceAll('-', ' ').toUpperCase())}  ${run.experiment}/${run.variant} on ${run.engine.kind} ${run.engine.version}`,
    `  ${because}`,
    '',
    ...findings.map(
      ({ invariant, finding, expected }) =>
        `  ${signs[finding.outcome]} ${invariant.padEnd(30)} ${finding.because}${expected === 'violated' ? styleText('dim', ' (the expected symptom)') : ''}`,
    ),
    '',
    ...measures.map(({ name, measuredMs, theoryMs }) => {
      const measured = measuredMs === null ? '–' : formatMs(measuredMs);
      return `  ${name.padEnd(32)} ${measured.padStart(8)}${theoryMs ? styleText('dim', `   theory ${formatMs(theoryMs[0])} to ${formatMs(theoryMs[1])}`) : ''}`;
    }),
    '',
    `  report  ${folder}/report.html`,
    `  again   ${run.command}`,
  ];
  return lines.join('\n');
}
