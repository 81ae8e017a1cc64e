import { readdirSync } from 'node:fs';
import type { Invariant } from './invariant.ts';

/** All properties there are: each file of the folder is one, no list to keep. */
export async function allInvariants(): Promise<Invariant[]> {
  const folder = new URL('./invariant/', import.meta.url);
  const files = readdirSync(folder)
    .filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'))
    .sort();
  return Promise.all(files.map(async (file) => ((await import(new URL(file, folder).href)) as { default: Invariant }).default));
}
