import * as z from 'zod';
import { parseParameters, whole } from './parameter.ts';
import type { Random } from './base/random.ts';
import type { Command, Reply } from './resp.ts';
import { foreign, nothing, type Verb } from './timeline/history.ts';

export const distributions = ['even', 'uniform', 'zipf', 'sharded'] as const;
export type Distribution = (typeof distributions)[number];
export const clientKinds = ['bare', 'ioredis', 'iovalkey', 'node-redis'] as const;
export type ClientKind = (typeof clientKinds)[number];

/** What every workload understands. The texts go into the docs as they stand. */
export const workloadOptions = z.strictObject({
  clients: whole('how many clients; each has one operation under way at a time, or `pipeline` of them', 1, 1_000).default(12),
  rate: z
    .union([z.literal('closed'), z.number().positive().max(1_000_000)])
    .default(200)
    .describe("operations a second of all clients together, or 'closed': each sends the next as soon as it has an answer"),
  keys: whole('how many keys', 1, 1_000_000).default(60),
  distribution: z
    .enum(distributions)
    .default('even')
    .describe(
      "'even': as many keys in each shard, all as likely; 'uniform': where chance puts them; 'zipf': the first keys are hot; 'sharded': each client stays in one shard",
    ),
  readShare: z.number().min(0).max(1).default(0.25).describe('share of the operations that read, from 0 to 1'),
  readsFrom: z.enum(['primary', 'replica']).default('primary').describe('who is asked to read'),
  valueBytes: whole('how long a written value is', 1, 16_000_000).default(16),
  wait: whole('how many replicas must have a write before it counts as acknowledged: WAIT', 0, 10).default(0),
  waitTimeoutMs: whole('how long WAIT may take', 1, 60_000).default(400),
  pipeline: whole('operations that a client has under way at the same time', 1, 1_000).default(1),
  timeoutMs: whole('no answer within this time makes the outcome unknown', 1, 60_000).default(500),
  client: z.enum(clientKinds).default('bare').describe("'bare' hides nothing; the others are libraries with their own defaults"),
  redirects: z
    .enum(['learn', 'follow', 'forget'])
    .default('learn')
    .describe(
      "what a bare client does about MOVED and ASK: 'learn': the operation has failed, and the next one knows better; 'follow': it goes where it was sent as well, up to 16 times; 'forget': it goes there and learns nothing, as a client that never refreshes its slot map",
    ),
  places: z
    .array(z.string().regex(/^client-[1-9]\d*$/, "expected names such as 'client-1'"))
    .default([])
    .describe('where the clients are, in turn: places of the cluster, or nothing for this process'),
});

/** A workload as data: what run.json holds of it. */
export interface Workload extends Readonly<z.output<typeof workloadOptions>> {
  readonly kind: string;
  /** What only this kind understands. */
  readonly extra: Readonly<Record<string, string | number | boolean>>;
}

/** What one operation is made from. */
export interface Step {
  readonly id: number;
  readonly key: string;
  readonly read: boolean;
  readonly random: Random;
  readonly workload: Workload;
  /** What this client has taken from queues and not yet worked off. */
  readonly taken: Map<string, number>;
}

/** One operation as commands, and what their answers mean. */
export interface Request {
  readonly verb: Verb;
  /** Where it differs from the key of the step. */
  readonly key?: string;
  readonly commands: readonly Command[];
  /** What it writes; absent for a read. */
  readonly value?: number;
  readonly values?: readonly number[];
  /** What the replies say, when none of them is an error. */
  answer?(replies: readonly Reply[]): { readonly value?: number; readonly values?: readonly number[] };
}

/** Whether a request changes nothing. A take writes no value of its own, but it moves what it returns. */
export const isRead = ({ value, verb }: Pick<Request, 'value' | 'verb'>): boolean => value === undefined && verb !== 'take';

/** A kind of workload, as one file of `workload/` defines it. */
export interface WorkloadKind<S extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** What clients do, in half a sentence. */
  readonly about: string;
  /** What must be true of the answers. */
  readonly promise: string;
  /** What only this kind understands. */
  readonly extra?: S;
  /** Pure: the same seed gives the same operations, but that what was `taken` is finished next. */
  next(step: Step): Request;
  /** Reads at rest what stands under a key: the whole of it. */
  final(key: string): readonly Request[];
}

export interface WorkloadMaker<S extends z.ZodObject = z.ZodObject> {
  (options?: z.input<typeof workloadOptions> & z.input<S>): Workload;
  readonly kind: WorkloadKind<S>;
}

/** Makes a kind of workload usable: options are checked at once, and what comes of it is data. */
export function defineWorkload<S extends z.ZodObject>(kind: WorkloadKind<S>): WorkloadMaker<S> {
  const extraSchema = kind.extra ?? z.strictObject({});
  const schema = z.strictObject({ ...workloadOptions.shape, ...extraSchema.shape });
  const make = (options: Record<string, unknown> = {}): Workload => {
    const given = parseParameters(`the workload ${kind.name}`, schema, options) as Record<string, unknown>;
    const common = Object.fromEntries(Object.keys(workloadOptions.shape).map((name) => [name, given[name]]));
    const extra = Object.fromEntries(Object.keys(extraSchema.shape).map((name) => [name, given[name]]));
    return { kind: kind.name, ...(common as z.output<typeof workloadOptions>), extra: extra as Workload['extra'] };
  };
  return Object.assign(make as WorkloadMaker<S>, { kind });
}

/** A value as clients write it: its number, and filling up to the wanted length. */
export function valueOf(id: number, bytes: number): string {
  const text = `${id}`;
  return text.length >= bytes ? text : `${text}:${'x'.repeat(bytes - text.length - 1)}`;
}

/** The number of a value that was read; -1 for none, -2 for one that no client of ours can have written. */
export function numberOf(reply: Reply | undefined): number {
  if (reply === null || reply === undefined) return nothing;
  if (typeof reply === 'number') return reply;
  const digits = typeof reply === 'string' ? /^(\d{1,9})(?::x*)?$/.exec(reply)?.[1] : undefined;
  return digits === undefined ? foreign : Number(digits);
}

export const numbersOf = (reply: Reply | undefined): number[] => (Array.isArray(reply) ? reply.map(numberOf) : []);
