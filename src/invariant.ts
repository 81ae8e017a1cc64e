import type { Timeline } from './timeline/timeline.ts';

/** The answer to one question about a run. A check that saw too little says `unknown`, never `held`. */
export type Finding =
  | { readonly outcome: 'held'; readonly because: string }
  | { readonly outcome: 'violated'; readonly because: string; readonly witnesses: readonly number[] }
  | { readonly outcome: 'unknown'; readonly because: string };

/** A property that a run must have: a pure function of the record. Witnesses are the `seq` of the events that prove a violation. */
export interface Invariant {
  readonly name: string;
  /** One sentence: what must be true. */
  readonly claim: string;
  check(timeline: Timeline): Finding;
}

export const held = (because: string): Finding => ({ outcome: 'held', because });
export const violated = (because: string, witnesses: readonly number[]): Finding => ({ outcome: 'violated', because, witnesses });
export const unknown = (because: string): Finding => ({ outcome: 'unknown', because });
