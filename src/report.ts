import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Judgement } from './judge.ts';
import { htmlReport } from './report/html.ts';
import type { Operation } from './timeline/old-history.ts';
import type { Timeline } from './timeline/timeline.ts';

/** Writes report.html beside the record and returns its path. */
export function writeReport(folder: string, timeline: Timeline, operations: readonly Operation[], judgement: Judgement): string {
  const file = path.join(folder, 'report.html');
  writeFileSync(file, htmlReport(timeline, operations, judgement));
  return file;
}
