import type { Finding } from './invariant.ts';

/** `as-expected`: exactly the expected symptom, or everything held. `inconclusive`: something stayed unknown. */
export type Verdict = 'as-expected' | 'not-as-expected' | 'inconclusive' | 'aborted' | 'harness-failed';

export interface Measure {
  readonly name: string;
  readonly measuredMs: number | null;
  /** What the engine's code promises for these settings, or null where it promises nothing. */
  readonly theoryMs: readonly [low: number, high: number] | null;
  readonly note?: string;
}

/** verdict.json */
export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence for a person. */
  readonly because: string;
  readonly findings: readonly { readonly invariant: string; readonly claim: string; readonly expected: 'held' | 'violated'; readonly finding: Finding }[];
  /** Detection time, failover time, write gap per shard, rejoin time. */
  readonly measures: readonly Measure[];
}
