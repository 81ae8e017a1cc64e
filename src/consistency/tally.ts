import { examplesKept, type Tally } from '../consistency.ts';

/** Counts anomalies of one kind while a history streams by. */
export interface RunningTally<Example> {
  /** `example` is called only for the ones that are kept. */
  add(outside: boolean, example: () => Example): void;
  result(): Tally<Example>;
}

export function tally<Example>(): RunningTally<Example> {
  const outside: Example[] = [];
  const inside: Example[] = [];
  let total = 0;
  let totalOutside = 0;
  return {
    add(isOutside, example) {
      total++;
      if (isOutside) totalOutside++;
      const kept = isOutside ? outside : inside;
      if (kept.length < examplesKept) kept.push(example());
    },
    result: () => ({ total, outside: totalOutside, examples: [...outside, ...inside].slice(0, examplesKept) }),
  };
}
