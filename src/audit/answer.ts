import type { Judgement } from '../judge.ts';
import type { Answer } from '../audit.ts';

/** Those whose violation means that acknowledged data is gone or wrong, and not only late or refused. */
const aboutData = [
  'no-acknowledged-write-lost',
  'data-not-empty',
  'counters-exact',
  'queue-delivers',
  'transactions-whole',
  'registers-linearizable',
  'nothing-made-up',
];

export interface Answered {
  readonly answer: Answer;
  readonly because: string;
  readonly losesData: boolean;
}

/**
 * What a run says of the settings that it had. `flaw` is what makes its record say nothing. The symptom means exposed; only
 * where everything held are they called protected, and another symptom than the expected one is no answer to the question.
 */
export function answerOf(
  findings: Judgement['findings'],
  symptoms: readonly string[],
  flaw: { readonly because: string } | undefined,
): Answered {
  if (flaw) return { answer: 'inconclusive', because: flaw.because, losesData: false };
  const judged = findings.filter(({ invariant, expected }) => expected !== 'open' || symptoms.includes(invariant));
  const of = (outcome: 'violated' | 'unknown') => judged.filter(({ finding }) => finding.outcome === outcome);
  const sentence = (among: Judgement['findings']): string =>
    among.map(({ invariant, finding }) => `${invariant}: ${finding.because}`).join('; ');
  const violated = of('violated');
  const losesData = violated.some(({ invariant }) => aboutData.includes(invariant));
  if (violated.some(({ invariant }) => symptoms.includes(invariant))) return { answer: 'exposed', because: sentence(violated), losesData };
  if (violated.length > 0)
    return { answer: 'inconclusive', because: `the expected symptom did not appear, another did: ${sentence(violated)}`, losesData };
  if (of('unknown').length > 0) return { answer: 'inconclusive', because: `not known: ${sentence(of('unknown'))}`, losesData };
  const unasked = symptoms.filter((name) => !judged.some(({ invariant }) => invariant === name));
  if (unasked.length > 0) return { answer: 'inconclusive', because: `not asked: ${unasked.join(', ')}`, losesData };
  return { answer: 'protected', because: `all ${judged.length} properties held`, losesData };
}
