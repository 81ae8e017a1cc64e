import { readdirSync } from 'node:fs';
import type { WorkloadMaker } from './workload.ts';

/** All kinds of workload there are: each file of the folder is one, no list to keep. */
export async function allWorkloads(): Promise<Map<string, WorkloadMaker>> {
  const folder = new URL('./workload/', import.meta.url);
  const files = readdirSync(folder)
    .filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts') && !file.startsWith('outcome.'))
    .sort();
  const makers = await Promise.all(
    files.map(async (file) => ((await import(new URL(file, folder).href)) as { default: WorkloadMaker }).default),
  );
  return new Map(makers.map((maker) => [maker.kind.name, maker]));
}
