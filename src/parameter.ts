import * as z from 'zod';
import { parseDuration } from './base/duration.ts';
import { messageOf, UsageError } from './base/errors.ts';

/**
 * The kinds of value that a fault's parameters are made of. A person writes '80ms' and 30; a plan holds milliseconds.
 * Every schema has a description: the command line and the docs are made from it.
 */

/** A duration such as '80ms' within bounds; becomes milliseconds. A default is given as text: `.prefault('80ms')`. */
export const duration = (about: string, low: string, high: string) =>
  z
    .string()
    .superRefine((text, context) => {
      try {
        const ms = parseDuration(text);
        if (ms < parseDuration(low) || ms > parseDuration(high))
          context.addIssue({ code: 'custom', message: `expected a duration from ${low} to ${high}` });
      } catch {
        context.addIssue({ code: 'custom', message: `expected a duration such as '${low}'` });
      }
    })
    .transform((text) => parseDuration(text))
    .describe(about);

export const percent = (about: string) => z.number().min(0).max(100).describe(about);
export const whole = (about: string, low: number, high: number) => z.int().min(low).max(high).describe(about);

/** Which traffic: of the bus, of clients (and replication), of one port, or all. */
export const port = z
  .union([z.literal('bus'), z.literal('client'), z.literal('all'), z.int().min(1).max(65_535)])
  .describe("'bus' (16379), 'client' (6379, which replication uses too), a number, or 'all'");
export const direction = z.enum(['in', 'out', 'both']).describe('seen from the target');
export const peers = z.string().min(1).describe("whose traffic: a target, such as 'its replica', or 'everyone else'");
export const withTarget = z
  .string()
  .min(1)
  .optional()
  .describe(
    "places on the target's side, such as 'client-1'; the others stand on the other side; left out, clients of all places reach both",
  );

export const busPort = 16_379;
export const clientPort = 6_379;

/** The ports that a `port` parameter means. */
export function portsOf(which: z.output<typeof port>): readonly number[] | 'all' {
  if (which === 'all') return 'all';
  return [which === 'bus' ? busPort : which === 'client' ? clientPort : which];
}

/** What a person gave, checked: one sentence names the parameter, what was expected and what came. */
export function parseParameters<S extends z.ZodObject>(what: string, schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const names = Object.keys(schema.shape);
  if (issue?.code === 'unrecognized_keys')
    throw new UsageError(`${what} has no parameter ${issue.keys.join(', ')}; it has ${names.join(', ') || 'none'}`);
  const name = issue?.path.join('.') ?? '';
  const input = issue?.input === undefined ? 'nothing' : JSON.stringify(issue.input);
  const expected = (issue?.message ?? messageOf(result.error))
    .replace(/^Invalid input: |, received .*$/g, '')
    .replace(/^Too (small|big): /, '');
  throw new UsageError(`${what} needs ${name ? describe(schema, name) : 'its parameters'}: ${expected}, got ${input}`);
}

const describe = (schema: z.ZodObject, name: string): string => {
  const about = parametersOf(schema).find((info) => info.name === name)?.about;
  return about ? `${name} (${about})` : name;
};

/** A parameter as the command line and the docs show it. */
export interface ParameterInfo {
  readonly name: string;
  readonly flag: string;
  readonly about: string;
  readonly type: 'text' | 'number' | 'yes or no' | 'list';
  readonly choices: readonly string[];
  readonly fallback: unknown;
  readonly required: boolean;
}

export function parametersOf(schema: z.ZodObject): ParameterInfo[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const variants = property.anyOf ?? [property];
    const choices = variants.flatMap((variant) => variant.enum ?? (variant.const === undefined ? [] : [variant.const])).map(String);
    const types = new Set(variants.map(({ type }) => type));
    return {
      name,
      flag: `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      about: property.description ?? '',
      type: types.has('array') ? 'list' : types.has('boolean') ? 'yes or no' : types.has('string') ? 'text' : 'number',
      choices,
      fallback: property.default,
      required: json.required?.includes(name) ?? false,
    };
  });
}

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
}

/** A word from the command line as the value that the schema wants: numbers where a number may stand. */
export function fromWord(word: string, info: ParameterInfo): unknown {
  if (info.type === 'yes or no') return word === 'yes' || word === 'true' ? true : word === 'no' || word === 'false' ? false : word;
  if (info.type === 'list') return word.split(',').map((part) => part.trim());
  const number = word.trim() === '' ? Number.NaN : Number(word);
  if (Number.isFinite(number) && (info.type === 'number' || (info.choices.length > 0 && !info.choices.includes(word)))) return number;
  return word;
}
