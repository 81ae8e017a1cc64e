import path from 'node:path';
import type { Answer, AuditResult, Deciding, FailureAnswer } from '../audit.ts';
import type { Remark } from '../conf.ts';
import { factorText } from '../conf/scale.ts';

/** The first sentence of every form of the answer. */
export function summary({ failures, conf, engine }: AuditResult): string {
  const tried = failures.filter(({ answer }) => answer !== 'not applicable');
  const count = (answer: Answer): number => tried.filter((failure) => failure.answer === answer).length;
  const accepted = failures.filter((failure) => failure.accepted && failure.answer === 'exposed').length;
  const parts = [
    `${count('exposed')} exposed${accepted > 0 ? ` (${accepted} accepted)` : ''}`,
    `${count('protected')} protected`,
    `${count('inconclusive')} inconclusive`,
  ];
  return `${conf} on ${engine.kind} ${engine.version}: of ${tried.length} failures that settings decide ${parts.join(', ')}; ${failures.length - tried.length} not applicable`;
}

/** What decided, in the cells of a row: the directive, the value in production, who says so, what the run had. */
export function decidingCells({ directive, value, at, ranWith, factor, remark }: Deciding): [string, string, string, string] {
  const remarks = [...(ranWith !== null && factor !== 1 ? [`× ${factorText(factor)}`] : []), ...(remark === '' ? [] : [remark])];
  const note = remarks.length > 0 ? ` (${remarks.join(', ')})` : '';
  return [directive, value, placesText(at) || (ranWith === null ? '' : "the engine's default"), `${ranWith ?? ''}${note}`.trim()];
}

/** 'redis.conf:3' and 'redis.conf:4' in one: 'redis.conf:3,4'. */
function placesText(at: readonly string[]): string {
  const places = at.map((place) => /^(.*?)(?::(\d+))?$/.exec(path.basename(place)) ?? []);
  return [...Map.groupBy(places, ([, file = '']) => file)]
    .map(([file, lines]) => [file, lines.flatMap(([, , line]) => line ?? []).join(',')].filter((part) => part !== '').join(':'))
    .join(' ');
}

/** What a run with the remedy said. */
export const remedyText = ({ withRemedy }: FailureAnswer): string =>
  withRemedy === null || typeof withRemedy === 'string'
    ? (withRemedy ?? '')
    : `${withRemedy.answer === 'exposed' ? 'still exposed' : withRemedy.answer}: ${withRemedy.because}`;

/** Remarks with the same reason stand together. */
export function byReason(remarks: readonly Remark[]): { readonly because: string; readonly what: readonly Remark[] }[] {
  return [...Map.groupBy(remarks, ({ because }) => because)].map(([because, what]) => ({ because, what }));
}

export const labelOf = ({ answer, accepted, losesData }: FailureAnswer): string =>
  `${answer}${answer === 'exposed' && losesData ? ', loses data' : ''}${accepted ? ', accepted' : ''}`;

export const warningText = ({ at, directive, because }: Remark): string =>
  [at, directive].filter((part) => part !== '').join(' ') + (directive === '' && at === '' ? because : `: ${because}`);
