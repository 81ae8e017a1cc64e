import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseDuration } from '../base/duration.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import type { Experiment } from '../experiment.ts';
import { allInvariants } from '../invariants.ts';

const folder = new URL('../../experiments/', import.meta.url);

/** Names of the experiments that come with Slotquake. */
export function experimentNames(): string[] {
  return readdirSync(folder)
    .filter((file) => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts'))
    .map((file) => file.replace(/\.[jt]s$/, ''))
    .sort();
}

/** One of ours by its name, or a file by its path. Whatever is wrong with it is one sentence. */
export async function loadExperiment(nameOrPath: string): Promise<Experiment> {
  const url = locate(nameOrPath);
  let module: { default?: unknown };
  try {
    module = (await import(url.href)) as { default?: unknown };
  } catch (error) {
    const kind =
      error instanceof SyntaxError || (error as { code?: string }).code === 'ERR_INVALID_TYPESCRIPT_SYNTAX'
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

function locate(nameOrPath: string): URL {
  if (experimentNames().includes(nameOrPath))
    return ['ts', 'js'].map((ending) => new URL(`${nameOrPath}.${ending}`, folder)).find((url) => existsSync(url)) as URL;
  const file = path.resolve(nameOrPath);
  if (existsSync(file) && /\.[cm]?[jt]s$/.test(file)) return pathToFileURL(file);
  throw new UsageError(`expected an experiment's name (${experimentNames().join(', ')}) or the path of a .ts file, got ${nameOrPath}`);
}

const fields: Readonly<Record<string, readonly [type: string, required: boolean]>> = {
  name: ['string', true],
  hypothesis: ['string', true],
  cluster: ['object', false],
  workload: ['object', false],
  invariants: ['object', false],
  steadyFor: ['string', false],
  settleWithin: ['string', false],
  variants: ['object', true],
  disturb: ['function', true],
};
const variantFields = ['about', 'config', 'expect'];
const clusterFields = ['primaries', 'replicas', 'config', 'formation'];

/** Checks what TypeScript would have checked, because Node only strips the types. */
export async function validate(value: unknown, from: string): Promise<Experiment> {
  if (typeof value !== 'object' || value === null)
    throw new UsageError(`the experiment ${from} exports ${typeof value}, expected what defineExperiment returns`);
  const experiment = value as Record<string, unknown>;
  known(experiment, Object.keys(fields), `the experiment ${from}`);
  for (const [field, [type, required]] of Object.entries(fields)) {
    const got = experiment[field];
    if (got === undefined && !required) continue;
    if (typeof got !== type || got === null)
      throw new UsageError(`the experiment ${from} needs ${field} to be a ${type}, got ${got === undefined ? 'nothing' : typeof got}`);
  }
  if (experiment['steadyFor'] !== undefined) parseDuration(experiment['steadyFor'], `steadyFor of ${from} as a duration`);
  if (experiment['settleWithin'] !== undefined) parseDuration(experiment['settleWithin'], `settleWithin of ${from} as a duration`);
  if (experiment['cluster'] !== undefined) known(experiment['cluster'] as object, clusterFields, `cluster of ${from}`);
  const variants = Object.entries(experiment['variants'] as Record<string, object>);
  if (variants.length === 0) throw new UsageError(`the experiment ${from} has no variant; add one such as variants: { cured: {} }`);
  const names = ((experiment['invariants'] as Experiment['invariants']) ?? (await allInvariants())).map(({ name }) => name);
  for (const [name, variant] of variants) {
    if (typeof variant !== 'object' || variant === null)
      throw new UsageError(`the variant ${name} of ${from} must be an object, got ${typeof variant}`);
    known(variant, variantFields, `the variant ${name} of ${from}`);
    for (const expected of Object.keys((variant as { expect?: object }).expect ?? {})) {
      if (!names.includes(expected))
        throw new UsageError(`the variant ${name} of ${from} expects the unknown invariant ${expected}; there are ${names.join(', ')}`);
    }
  }
  return value as Experiment;
}

function known(value: object, allowed: readonly string[], what: string): void {
  const stranger = Object.keys(value).find((field) => !allowed.includes(field));
  if (stranger !== undefined) throw new UsageError(`${what} has the unknown field ${stranger}; there are ${allowed.join(', ')}`);
}
