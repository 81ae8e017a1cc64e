import type { Remark } from './conf.ts';
import type { Failure } from './experiment.ts';

/** Whether a failure would hit somebody who has these settings. */
export type Answer = 'exposed' | 'protected' | 'inconclusive' | 'not applicable';

/** A directive that decides, and what became of it. */
export interface Deciding {
  /** As the engine under test calls it. */
  readonly directive: string;
  /** Where the user set it, such as 'redis.conf:12'; empty where the engine's default counts. */
  readonly at: readonly string[];
  /** The value in production, sizes with their units. */
  readonly value: string;
  /** What the run had instead of it; null where the engine has no such directive. */
  readonly ranWith: string | null;
  readonly factor: number;
  /** What scaling could not say exactly; empty where it could. */
  readonly remark: string;
}

/** What is said of one failure. */
export interface FailureAnswer {
  readonly experiment: string;
  readonly level: Failure['level'] | null;
  readonly symptom: string;
  readonly answer: Answer;
  /** One sentence: what was seen, or why nothing was. */
  readonly because: string;
  /** The expected symptom is on the user's list of those that he lives with. */
  readonly accepted: boolean;
  /** What was acknowledged is gone, and not only late. */
  readonly losesData: boolean;
  /** What the run stands for in production, in the experiment's own words; empty where it says nothing. */
  readonly scaling: string;
  readonly deciding: readonly Deciding[];
  /** What else of the user's settings the run had, as it is. */
  readonly beside: readonly string[];
  /** A sentence, and lines of redis.conf in production's sizes. */
  readonly remedy: string;
  readonly lines: readonly string[];
  /** What a run said that had these lines on top of the user's settings; null where none was asked for. */
  readonly withRemedy: { readonly answer: Answer; readonly because: string; readonly report: string | null } | 'no line helps' | null;
  /** report.html of the run; null where there was none. */
  readonly report: string | null;
  /** The command that repeats it. */
  readonly again: string | null;
}

/** All that an audit found; audit.json. */
export interface AuditResult {
  readonly format: 1;
  readonly slotquake: string;
  readonly conf: string;
  readonly engine: { readonly kind: string; readonly version: string; readonly image: string };
  readonly startedAt: string;
  readonly seconds: number;
  readonly folder: string;
  /** What must be known before the answers are believed: directives that mean nothing to this engine, and the like. */
  readonly warnings: readonly Remark[];
  /** Directives that a run in containers cannot have, and why. */
  readonly apart: readonly Remark[];
  /** What became of the settings that decide nothing. */
  readonly others: readonly Remark[];
  /** The worst first. */
  readonly failures: readonly FailureAnswer[];
}

const severity: readonly Answer[] = ['exposed', 'inconclusive', 'protected', 'not applicable'];

/** The worst first: what is not accepted, what loses data, then by name. */
export const worstFirst = (a: FailureAnswer, b: FailureAnswer): number =>
  severity.indexOf(a.answer) - severity.indexOf(b.answer) ||
  Number(a.accepted) - Number(b.accepted) ||
  Number(b.losesData) - Number(a.losesData) ||
  a.experiment.localeCompare(b.experiment);
