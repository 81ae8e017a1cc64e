import type { Consistency } from '../consistency.ts';
import { counterexample } from './counterexample.ts';
import { escape } from './escape.ts';
import { grouped, part } from './table.ts';

const drawnViolations = 3;

/** How many registers behave as if there were one copy of each, and the first contradictions drawn. */
export function linearizability({ linearizability: { keys, linearizable, notLinearizable, unknown, operations } }: Consistency): string {
  if (keys === 0) return '';
  const drawn = notLinearizable.examples.slice(0, drawnViolations);
  const open =
    unknown.keys > 0
      ? ` ${unknown.keys} were not finished${unknown.because ? ` (${unknown.because})` : ''}: ${unknown.named.slice(0, 5).join(', ')}${unknown.keys > 5 ? ', …' : ''}.`
      : '';
  return part(
    'Linearizability of registers',
    `${grouped(linearizable)} of ${grouped(keys)} registers behave as if there were one copy of each, by ${grouped(operations)} operations.${open}${
      drawn.length > 0 ? ` Below, the fewest operations that contradict one another, ${drawn.length} of ${notLinearizable.total}:` : ''
    }`,
    drawn.length === 0 ? ' ' : drawn.map((violation) => figure(violation)).join(''),
  );
}

const figure = (violation: Consistency['linearizability']['notLinearizable']['examples'][number]): string =>
  `<figure><figcaption>${escape(`${violation.key}: ${violation.explanation}`)}</figcaption><div class="scroll timeline" tabindex="0" role="group" aria-label="counterexample">${counterexample(violation)}</div></figure>`;
