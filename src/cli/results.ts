import { mkdirSync, rmSync, statfsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf, UsageError } from '../base/errors.ts';

/** A record takes a few MB; what is left over is for the next one. */
const leastFreeMb = 16;

/** Known before anything is started, not after a minute of work. */
export function writable(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    // A file with something in it tells what access(2) does not: a read-only mount to root, a full disk to anybody.
    const probe = path.join(folder, `.probe-${process.pid}`);
    try {
      writeFileSync(probe, 'x'.repeat(4_096));
    } finally {
      rmSync(probe, { force: true });
    }
    const { bavail, bsize } = statfsSync(folder);
    const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
    if (freeMb < leastFreeMb) throw new Error(`${freeMb} MB are free, a record wants ${leastFreeMb}`);
  } catch (error) {
    throw new UsageError(
      `expected a results folder that can be written, but ${folder} cannot (${messageOf(error)}); make room or choose another with --results`,
    );
  }
}

/** The same of a file, which is left as it is. A pipe is not tried: its reader would take the end of that for the end of all. */
export function writableFile(file: string): void {
  try {
    const before = statSync(file, { throwIfNoEntry: false });
    if (before && !before.isFile() && !before.isDirectory()) return;
    writeFileSync(file, '', { flag: 'a' });
    if (!before) rmSync(file);
  } catch (error) {
    throw unwritable(file, error);
  }
}

export const unwritable = (file: string, error: unknown): UsageError =>
  new UsageError(`expected a file that can be written, but ${file} cannot (${messageOf(error)}); make its folder or choose another`);

/** A link beside the records to the newest of them. */
export function latest(parent: string, folder: string): void {
  const link = path.join(parent, 'latest');
  try {
    rmSync(link, { force: true });
    symlinkSync(path.basename(folder), link);
  } catch {
    // Two runs at once may both make it; a file system may have no links. The record does not depend on it.
  }
}
