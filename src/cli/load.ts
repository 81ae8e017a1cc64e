import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import type { RedisConfig } from '../cluster.ts';
import type { Experiment } from '../experiment.ts';
import { allInvariants } from '../invariants.ts';
import { parseExperiment, parseSettings } from './schema.ts';

const folder = new URL('../../experiments/', import.meta.url);

/** Names of the experiments that come with Slotquake. */
export function experimentNames(): string[] {
  return readdirSync(folder)
    .filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'))
    .map((file) => file.replace(/\.[jt]s$/, ''))
    .sort();
}

/** All that come with Slotquake. */
export const loadCatalogue = (): Promise<Experiment[]> => Promise.all(experimentNames().map(loadExperiment));

/** One of ours by its name, or a file by its path. Whatever is wrong with it is one sentence. */
export async function loadExperiment(nameOrPath: string): Promise<Experiment> {
  const url = locate(nameOrPath);
  let module: { default?: unknown };
  try {
    module = (await import(url.href)) as { default?: unknown };
  } catch (error) {
    const kind =
      error instanceof SyntaxError ||
      /^ERR_(INVALID|UNSUPPORTED)_TYPESCRIPT_SYNTAX$/.test(String((error as { code?: string } | null)?.code))
        ? 'has a syntax error'
        : 'failed while it was loaded';
    throw new UsageError(
      `the experiment ${nameOrPath} ${kind}: ${messageOf(error)
        .split('\n')
        .find((line) => line.trim() !== '')
        ?.trim()}`,
    );
  }
  if (module.default === undefined)
    throw new UsageError(`the experiment ${nameOrPath} has no default export; end it with \`export default defineExperiment({ … })\``);
  return validate(module.default, nameOrPath);
}

/** Where an experiment is written, by its name or its path. */
export function locate(nameOrPath: string): URL {
  if (experimentNames().includes(nameOrPath))
    return ['ts', 'js'].map((ending) => new URL(`${nameOrPath}.${ending}`, folder)).find((url) => existsSync(url)) as URL;
  const file = path.resolve(nameOrPath);
  if (existsSync(file) && statSync(file).isDirectory())
    throw new UsageError(`expected an experiment's name or the path of a .ts file, but ${nameOrPath} is a folder; name a file in it`);
  if (existsSync(file) && /\.[cm]?[jt]s$/.test(file)) return pathToFileURL(file);
  const names = experimentNames();
  throw new UsageError(
    `expected an experiment's name (${names.join(', ')}) or the path of a .ts file, got ${nameOrPath}${didYouMean(nameOrPath, names)}`,
  );
}

/** Checks what TypeScript would have checked, because Node only strips the types. */
export async function validate(value: unknown, from: string): Promise<Experiment> {
  return parseExperiment(
    value,
    from,
    (await allInvariants()).map(({ name }) => name),
  );
}

/** Directives of redis.conf in a JSON file, such as { "cluster-node-timeout": 2000, "save": ["900 1", "60 100"] }. */
export function loadSettings(file: string): RedisConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `expected a JSON file of settings such as { "cluster-node-timeout": 2000 }, but ${file} is none: ${messageOf(error)}`,
    );
  }
  return parseSettings(value, file);
}
