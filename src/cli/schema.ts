import { z } from 'zod';
import { UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import type { Duration } from '../base/duration.ts';
import type { ClusterSpec, RedisConfig } from '../cluster.ts';
import type { Login } from '../driver.ts';
import type { Audit, Experiment, Failure, Variant } from '../experiment.ts';
import type { Invariant } from '../invariant.ts';
import { type Budget, budgetItems } from '../timeline.ts';
import { clientKinds, distributions, type Workload } from '../workload.ts';

/*
 * What TypeScript would have checked, because Node only strips the types, and the ranges that it cannot say. The
 * message of each rule completes "expected <path> to be …".
 */

/** Every field of the interface and no other: the compiler refuses a schema that lacks one or knows one too many. */
type Fields<T> = { readonly [K in keyof T]-?: z.ZodType<T[K] | undefined> };

const object = <T>(fields: Fields<T>): z.ZodType<T> =>
  z.strictObject(fields, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has the unknown field ${issue.keys[0]}${didYouMean(String(issue.keys[0]), Object.keys(fields))}; there are ${Object.keys(fields).join(', ')}`
        : `an object with ${Object.keys(fields).join(', ')}`,
  }) as unknown as z.ZodType<T>;

const text = z.string('a string').regex(/\S/, 'a string that says something');
/** It goes to shells and into files as it stands. */
const word = z.string('a word').regex(/^[\w.-]+$/, "a word of letters, digits, '-', '_' and '.'");
/** It becomes the name of a folder. */
const folderName = z
  .string('a name')
  .regex(/^[A-Za-z0-9][\w.-]{0,99}$/, "a name of letters, digits, '-', '_' and '.', such as 'bus-port-blocked'");
const duration = z.custom<Duration>(
  (value) => typeof value === 'string' && /^\d+(\.\d+)?(ms|s|m|h)$/.test(value.trim()),
  "a duration such as '250ms', '30s' or '2m'",
);
const whole = (low: number, high: number) => {
  const error = `a whole number from ${low} to ${high}`;
  return z.int(error).min(low, error).max(high, error);
};
const between = (low: number, high: number) => {
  const error = `a number from ${low} to ${high}`;
  return z.number(error).min(low, error).max(high, error);
};
const asFunction = <T>() => z.custom<T>((value) => typeof value === 'function', 'a function');

const oneLine = "a number, a string of one line (switches are 'yes' and 'no'), or a list of such strings";
const config: z.ZodType<RedisConfig> = z.record(
  z.string().regex(/^[a-z][a-z0-9-]*$/, "a directive of redis.conf such as 'cluster-node-timeout'"),
  z.union([z.string().regex(/^[^\r\n]*$/, oneLine), z.number(oneLine), z.array(z.string().regex(/^[^\r\n]*$/))], oneLine),
  {
    error: (issue) =>
      issue.code === 'invalid_key'
        ? "named as a directive of redis.conf is, such as 'cluster-node-timeout'"
        : 'an object of redis.conf directives',
  },
);

const cluster = object<ClusterSpec>({
  primaries: whole(1, 100).optional(),
  replicas: z.union([whole(0, 99), z.array(whole(0, 99))], 'a whole number from 0 to 99, or one for each primary').optional(),
  nodes: z.record(z.string(), config, "an object such as { 'node-1': { appendonly: 'yes' } }").optional(),
  memoryMb: whole(16, 100_000).optional(),
  diskMb: whole(1, 100_000).optional(),
  spares: whole(0, 20).optional(),
  places: whole(0, 20).optional(),
  tls: z.boolean('true or false').optional(),
  login: object<Login>({ username: word.optional(), password: word }).optional(),
  hostnames: z.enum(['announced', 'as-address'], "'announced' or 'as-address'").optional(),
  config: config.optional(),
  formation: z.enum(['written', 'meet'], "'written' or 'meet'").optional(),
});

const pace = "a number from 0.1 to 1000000 or 'closed'";
const oneOf = <const T extends string>(choices: readonly T[]): z.ZodType<T> =>
  z.custom<T>((value) => (choices as readonly unknown[]).includes(value), `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
/** What `workload/` makes of its options, which checks them as well: this is for one that was written by hand. */
const workload = object<Workload>({
  kind: text,
  clients: whole(1, 1_000),
  rate: z.union([z.literal('closed'), z.number().min(0.1).max(1_000_000)], pace),
  keys: whole(1, 1_000_000),
  distribution: oneOf(distributions),
  readShare: between(0, 1),
  readsFrom: oneOf(['primary', 'replica']),
  redirects: oneOf(['learn', 'follow', 'forget']),
  valueBytes: whole(1, 16_000_000),
  wait: whole(0, 10),
  waitTimeoutMs: whole(1, 60_000),
  pipeline: whole(1, 1_000),
  timeoutMs: whole(1, 60_000),
  client: oneOf(clientKinds),
  places: z.array(z.string().regex(/^client-\d+$/), "a list of names such as 'client-1'"),
  extra: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]), 'an object'),
});

const budget = object<Budget>(Object.fromEntries(budgetItems.map((item) => [item, between(0, 1_000_000_000).optional()])) as never);

const invariant: z.ZodType<Invariant> = z.looseObject(
  { name: text, claim: text, check: asFunction<Invariant['check']>() },
  'an invariant, which is an object with name, claim and check',
);

const variant = object<Variant>({
  about: text.optional(),
  config: config.optional(),
  workload: workload.optional(),
  budget: budget.optional(),
  cluster: cluster.optional(),
  invariants: z.strictObject({ except: z.array(text, 'a list of names of invariants') }).optional(),
  settleWithin: duration.optional(),
  expect: z
    .union(
      [z.record(z.string(), z.enum(['violated', 'open'])), asFunction<Extract<Variant['expect'], (...args: never) => unknown>>()],
      "an object such as { 'state-ok': 'violated' }, or a function from the engine to one",
    )
    .optional(),
  unsuited: asFunction<NonNullable<Variant['unsuited']>>().optional(),
});

const audit = object<Audit>({
  scale: z.record(z.string(), between(0, 1_000_000), 'an object of directives and factors'),
  lines: z.array(text, 'a list of lines of redis.conf'),
  symptoms: z.array(text, 'a list of names of invariants').min(1, 'a list with at least one name, or left out').optional(),
  unless: asFunction<NonNullable<Audit['unless']>>().optional(),
});
const failure = object<Failure>({
  level: z.enum(['easy', 'medium', 'hard'], "'easy', 'medium' or 'hard'"),
  symptom: text,
  cause: text,
  setting: text,
  remedy: text,
  engines: text.optional(),
  audit: z.union([text, audit], 'a sentence, or an object with scale and lines'),
});

const listed = z
  .array(invariant, "a list of invariants, or { except: ['state-ok'] }")
  .min(1, 'a list with at least one invariant, or left out to ask all there are')
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'a list of invariants with different names');
const allBut = z.strictObject({ except: z.array(text, 'a list of names of invariants') });

const experiment = (invariants: z.ZodType<Experiment['invariants']>) =>
  object<Experiment>({
    name: folderName,
    hypothesis: text,
    failure: failure.optional(),
    cluster: cluster.optional(),
    workload: workload.optional(),
    budget: budget.optional(),
    invariants,
    steadyFor: duration.optional(),
    settleWithin: duration.optional(),
    timeout: duration.optional(),
    variants: z
      .record(folderName, variant, {
        error: (issue) =>
          issue.code === 'invalid_key'
            ? "called by a name of letters, digits, '-', '_' and '.', such as 'cured'"
            : 'an object of variants such as { cured: {} }',
      })
      .refine((variants) => Object.keys(variants).length > 0, 'an object with at least one variant such as { cured: {} }'),
    prepare: asFunction<NonNullable<Experiment['prepare']>>().optional(),
    disturb: asFunction<Experiment['disturb']>(),
  });

/** The value as it came, once it is an experiment; else a UsageError of one sentence about the first thing that is wrong. */
export function parseExperiment(value: unknown, from: string, knownInvariants: readonly string[]): Experiment {
  const named = (value as { invariants?: unknown } | null)?.invariants;
  const asked = typeof named === 'object' && named !== null && !Array.isArray(named) ? allBut : listed;
  const { error } = experiment(asked.optional()).safeParse(value);
  if (error) throw refusal(error, value, from, 'the default export');
  const parsed = value as Experiment;
  const except = parsed.invariants && 'except' in parsed.invariants ? parsed.invariants.except : [];
  const unasked = except.find((name) => !knownInvariants.includes(name));
  if (unasked !== undefined)
    throw new UsageError(
      `${from}: expected invariants.except to name invariants, got ${unasked}${didYouMean(unasked, knownInvariants)}; there are ${knownInvariants.join(', ')}`,
    );
  const names =
    parsed.invariants && !('except' in parsed.invariants)
      ? parsed.invariants.map(({ name }) => name)
      : knownInvariants.filter((name) => !except.includes(name));
  const symptoms = parsed.failure && typeof parsed.failure.audit !== 'string' ? (parsed.failure.audit.symptoms ?? []) : [];
  const unknown = symptoms.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new UsageError(
      `${from}: expected failure.audit.symptoms to name invariants of the experiment, got ${unknown}${didYouMean(unknown, names)}; there are ${names.join(', ')}`,
    );
  for (const [name, { expect = {} }] of Object.entries(parsed.variants)) {
    const stranger = Object.keys(typeof expect === 'function' ? {} : expect).find((expected) => !names.includes(expected));
    if (stranger !== undefined)
      throw new UsageError(
        `${from}: expected variants.${name}.expect to name invariants of the experiment, got ${stranger}${didYouMean(stranger, names)}; there are ${names.join(', ')}`,
      );
  }
  return parsed;
}

/** The value as it came, once it is settings for redis.conf; else a UsageError. */
export function parseSettings(value: unknown, from: string): RedisConfig {
  const { error } = config.safeParse(value);
  if (error) throw refusal(error, value, from, 'the file');
  return value as RedisConfig;
}

/** One sentence about the first thing that is wrong. */
function refusal({ issues }: z.ZodError, value: unknown, from: string, root: string): UsageError {
  const [first, ...others] = issues;
  const path = first?.path.map(String) ?? [];
  const more = others.length > 0 ? `; ${others.length} more ${others.length === 1 ? 'field is' : 'fields are'} wrong` : '';
  const where = path.join('.') || root;
  const sentence =
    first?.code === 'unrecognized_keys'
      ? `${where} ${first.message}`
      : `expected ${where} to be ${first?.message}${first?.code === 'invalid_key' ? '' : `, got ${show(at(value, path))}`}`;
  return new UsageError(`${from}: ${sentence}${more}`);
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value);

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? (Object.keys(value).length === 0 ? 'an empty object' : 'an object') : `a ${typeof value}`;
}
