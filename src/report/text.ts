import { styleText } from 'node:util';
import { formatMs } from '../base/duration.ts';
import type { Judgement } from '../judge.ts';
import type { Consistency } from '../consistency.ts';
import type { RunInfo } from '../timeline.ts';
import { hanging } from './hanging.ts';
import { remarkOn } from './describe.ts';
import { type Fact, operationsText } from './operations-text.ts';

const signs = { held: styleText('green', '✓'), violated: styleText('red', '✗'), unknown: styleText('yellow', '?') } as const;

/**
 * What is printed when a run is over: the verdict, every finding, what operations show, the measures beside the theory. In
 * a terminal of that many columns long sentences go on below their beginning; elsewhere a finding stays one line, for grep.
 */
export function textReport(
  run: RunInfo,
  consistency: Consistency | null,
  { verdict, because, findings, measures }: Judgement,
  folder: string,
  columns = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY,
): string {
  const nameWidth = Math.max(30, ...findings.map(({ invariant }) => invariant.length + 1));
  const colour = verdict === 'as-expected' ? 'green' : verdict === 'inconclusive' ? 'yellow' : 'red';
  const lines = [
    '',
    `${styleText(['bold', colour], verdict.replaceAll('-', ' ').toUpperCase())}  ${run.experiment}/${run.variant} on ${run.engine.kind} ${run.engine.version}`,
    `  ${hanging(because, 2, columns)}`,
    '',
    ...findings.map(
      ({ invariant, finding, expected }) =>
        `  ${signs[finding.outcome]} ${invariant.padEnd(nameWidth)} ${hanging(`${finding.because}${remark({ finding, expected })}`, nameWidth + 5, columns)}`,
    ),
    '',
    ...operationsText(run, consistency).map((fact) => factLine(fact, columns)),
    ...measures.map(({ name, measuredMs, theoryMs }) =>
      factLine(
        {
          name,
          value: measuredMs === null ? '–' : formatMs(measuredMs),
          note: theoryMs ? `theory ${formatMs(theoryMs[0])} to ${formatMs(theoryMs[1])}` : '',
        },
        Number.POSITIVE_INFINITY,
      ),
    ),
    '',
    `  report  ${folder}/report.html`,
    `  again   ${run.command}`,
  ];
  return lines.join('\n');
}

const factLine = ({ name, value, note }: Fact, columns: number): string =>
  `  ${name.padEnd(32)} ${value.padStart(8)}${note ? styleText('dim', `   ${hanging(note, 46, columns)}`) : ''}`;

const remark = (asked: Pick<Judgement['findings'][number], 'finding' | 'expected'>): string => {
  const text = remarkOn(asked);
  return text === '' ? '' : ` (${text})`;
};
