import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What the file of this name holds. */
export type Read = (file: string) => string;

/**
 * Files with everything that they import, and what that imports, but for types: of a change of those alone no test can see
 * anything.
 */
export function withImports(files: readonly string[], read: Read): ReadonlySet<string> {
  const found = new Set(files);
  for (const file of found) for (const imported of importsOf(file, read)) found.add(imported);
  return found;
}

function importsOf(file: string, read: Read): string[] {
  let text: string;
  try {
    text = read(file);
  } catch {
    return [];
  }
  const statements = text.matchAll(/^(?:import|export)(?! type\b)[^;']*?from '(\.[^']+)'|^import '(\.[^']+)'|import\('(\.[^']+)'\)/gm);
  return [...statements].map(([, from, effect, dynamic]) =>
    path.normalize(path.join(path.dirname(file), (from ?? effect ?? dynamic) as string)),
  );
}

export const readBelow =
  (root: string): Read =>
  (file) =>
    readFileSync(path.join(root, file), 'utf8');
