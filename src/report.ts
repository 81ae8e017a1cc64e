import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Judgement } from './judge.ts';
import { htmlReport } from './report/html.ts';
import type { Consistency } from './consistency.ts';
import type { Timeline } from './timeline/timeline.ts';

/** Writes report.html beside the record and returns its path. */
export function writeReport(folder: string, timeline: Timeline, consistency: Consistency | null, judgement: Judgement): string {
  const file = path.join(folder, 'report.html');
  writeFileSync(file, htmlReport(timeline, consistency, judgement));
  return file;
}
