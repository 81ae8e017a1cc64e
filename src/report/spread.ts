import type { Distribution } from '../consistency/distribution.ts';
import { type Column, number } from './table.ts';
import { fine } from './time.ts';

/** How durations are spread, as columns. */
export const spreadColumns: readonly Column[] = ['p50', 'p90', 'p99', 'p99.9', 'max'].map(number);

export const spread = (of: Distribution | null): string[] =>
  of ? [of.p50Ms, of.p90Ms, of.p99Ms, of.p999Ms, of.maxMs].map(fine) : spreadColumns.map(() => '–');
