import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './version.ts';

/** What is ours, and what nobody has written for this run. */
const foreign = ['src', path.join('dist', 'src'), 'node_modules'].map((folder) => path.join(packageRoot, folder) + path.sep);

/** The line of a user's own file that an error comes from, as `file:line:column` seen from here; undefined where its stack tells none. */
export function placeIn(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined;
  for (const line of stack?.split('\n').slice(1) ?? []) {
    const [, file, position] = /\(?((?:file:\/\/)?\/[^()]*?):(\d+:\d+)\)?$/.exec(line.trim()) ?? [];
    if (file === undefined) continue;
    const whole = file.startsWith('file:') ? fileURLToPath(file) : file;
    if (foreign.some((folder) => whole.startsWith(folder)) || whole.includes(`${path.sep}node_modules${path.sep}`)) continue;
    return `${path.relative(process.cwd(), whole)}:${position}`;
  }
  return undefined;
}
