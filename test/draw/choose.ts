/** A kind of a part, as far as the draw looks at it. */
export interface Candidate {
  readonly key: string;
  /** How many commits ago it passed in full; infinite where nobody knows. */
  readonly age: number;
  /** Whether what it is made of has changed since. */
  readonly touched: boolean;
  readonly seconds: number;
}

export interface Wish {
  /** Of the kinds that nothing has touched, from 0 to 1; at least one of each part. */
  readonly share: number;
  /** What all touched ones together may take beyond that. */
  readonly touchedSeconds: number;
  /** Consecutive numbers draw different ones until each was there. */
  readonly seed: number;
}

/**
 * The keys that are drawn of each part: what was touched, as far as there is time, and a share of the others, the oldest
 * first. A change that touches most kinds of a part touches none in particular: then it is a share of them.
 */
export function choose(parts: readonly (readonly Candidate[])[], { share, touchedSeconds, seed }: Wish): ReadonlySet<string> {
  const drawn = new Set<string>();
  // Parts that try the same kinds begin at different ones.
  const inLine = parts.map((candidates, index) => inParticular(byAge(rotated(candidates, share, seed + index))));
  for (const candidates of inLine) {
    const wanted = Math.max(1, Math.ceil(share * candidates.length));
    const others = candidates.filter(({ touched }) => !touched).slice(0, wanted);
    const filling = candidates.filter(({ touched }) => touched).slice(0, wanted - others.length);
    for (const { key } of [...others, ...filling]) drawn.add(key);
  }
  let leftSeconds = touchedSeconds;
  for (const { key, seconds } of byAge(inLine.flat().filter((one) => one.touched && !drawn.has(one.key)))) {
    if (seconds > leftSeconds) continue;
    leftSeconds -= seconds;
    drawn.add(key);
  }
  return drawn;
}

/** Where most were touched, none was in particular. */
const inParticular = (candidates: readonly Candidate[]): readonly Candidate[] =>
  candidates.filter(({ touched }) => touched).length > candidates.length / 2
    ? candidates.map((candidate) => ({ ...candidate, touched: false }))
    : candidates;

const byAge = (candidates: readonly Candidate[]): Candidate[] => candidates.toSorted((a, b) => (a.age === b.age ? 0 : b.age - a.age));

/** From where this seed begins, so that the windows of consecutive seeds lie side by side. */
export function rotated<T>(all: readonly T[], share: number, seed: number): T[] {
  const from = all.length === 0 ? 0 : (seed * Math.max(1, Math.ceil(share * all.length))) % all.length;
  return [...all.slice(from), ...all.slice(0, from)];
}
