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

/** Anomalies of one kind that were counted apart. */
export function mergeTallies<Example>(parts: readonly Tally<Example>[]): Tally<Example> {
  const sum = (of: (part: Tally<Example>) => number): number => parts.reduce((total, part) => total + of(part), 0);
  // Each part has the ones outside first, as many of them as it kept.
  const cut = parts.map((part) => Math.min(part.outside, part.examples.length));
  const outside = parts.flatMap(({ examples }, index) => examples.slice(0, cut[index]));
  const inside = parts.flatMap(({ examples }, index) => examples.slice(cut[index]));
  return {
    total: sum(({ total }) => total),
    outside: sum((part) => part.outside),
    examples: [...outside, ...inside].slice(0, examplesKept),
  };
}
