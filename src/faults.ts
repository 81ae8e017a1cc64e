import { readdirSync } from 'node:fs';
import type { FaultMaker } from './fault.ts';

/** All kinds of fault there are, by name: each file of the folder is one, no list to keep. */
export async function allFaults(): Promise<Map<string, FaultMaker>> {
  const folder = new URL('./fault/', import.meta.url);
  const files = readdirSync(folder)
    .filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'))
    .sort();
  const makers = await Promise.all(
    files.map(async (file) => ((await import(new URL(file, folder).href)) as { default: FaultMaker }).default),
  );
  return new Map(makers.map((maker) => [maker.kind.name, maker]));
}
