import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder with our package.json: the checkout, or the installed package, where this file is one level deeper. */
export const packageRoot = [path.join(import.meta.dirname, '..'), path.join(import.meta.dirname, '..', '..')].find((folder) =>
  existsSync(path.join(folder, 'package.json')),
) as string;

export const version = (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
