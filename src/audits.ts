import { readFileSync } from 'node:fs';
import type { Answer } from './audit.ts';

/** One audit of a configuration, an entry of experiments/audits.json. */
export interface AuditRun {
  /** A file of test/fixtures/conf/. */
  readonly conf: string;
  /** As `--engine` names it, and the version that it turned out to be. */
  readonly engine: string;
  readonly version: string;
  readonly seconds: number;
  /** By failure, of those that any setting decides. */
  readonly answers: Readonly<Record<string, Answer>>;
}

export const auditsFile = new URL('../experiments/audits.json', import.meta.url);
export const auditRuns = (): AuditRun[] => JSON.parse(readFileSync(auditsFile, 'utf8')) as AuditRun[];
