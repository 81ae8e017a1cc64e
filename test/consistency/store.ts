import keySlot from 'cluster-key-slot';
import fc from 'fast-check';
import { nothing, type Operation, type Verb } from '../../src/timeline/history.ts';

type AtRest = Partial<Operation> & Pick<Operation, 'verb' | 'key'>;

/** Operations with everything that does not matter filled in, and reads at rest after them. */
export function historyOf(
  operations: readonly (Partial<Operation> & Pick<Operation, 'id' | 'verb' | 'key' | 'sentAtMs' | 'doneAtMs'>)[],
  finals: readonly AtRest[],
): Operation[] {
  const endMs = operations.reduce((latest, { doneAtMs }) => Math.max(latest, doneAtMs), 0) + 100_000;
  const defaults = (key: string): Omit<Operation, 'id' | 'verb' | 'sentAtMs' | 'doneAtMs' | 'dueAtMs' | 'value'> => ({
    client: 1,
    key,
    slot: keySlot(key),
    node: 'n1',
    outcome: 'ok',
    reason: null,
    values: [],
    final: false,
    replica: false,
  });
  return [
    ...operations
      .map((operation): Operation => ({ ...defaults(operation.key), dueAtMs: operation.sentAtMs, value: operation.id, ...operation }))
      .toSorted((a, b) => a.doneAtMs - b.doneAtMs),
    ...finals.map((operation, index): Operation => ({
      ...defaults(operation.key),
      id: operations.length + index,
      dueAtMs: endMs,
      sentAtMs: endMs,
      doneAtMs: endMs + 1,
      value: nothing,
      final: true,
      ...operation,
    })),
  ];
}

const readers: Readonly<Partial<Record<Verb, Verb>>> = {
  set: 'get',
  append: 'range',
  add: 'members',
  increment: 'count',
  push: 'take',
  'set-pair': 'get-pair',
  'set-expiring': 'get-expiring',
};

interface Draft {
  readonly client: number;
  readonly key: number;
  readonly kind: Verb;
  readonly reads: boolean;
  readonly gapMs: number;
  readonly durationMs: number;
  /** When it takes effect, in thousandths of its duration. */
  readonly moment: number;
  readonly fate: 'ok' | 'failed' | 'never' | 'late' | 'soon';
  readonly lateMs: number;
  readonly ttlMs: number;
}

/**
 * A history of a store that does everything at one moment between sending and answer, some of it without the client
 * learning so: an operation of unknown outcome happens at any time after it was sent, or never. Each client has one
 * operation at a time, and there are no faults.
 */
export function simulated({
  verbs,
  length = 60,
}: {
  readonly verbs: readonly Verb[];
  readonly length?: number;
}): fc.Arbitrary<Operation[]> {
  return fc
    .array(
      fc.record<Draft>({
        client: fc.nat(4),
        key: fc.nat(1),
        kind: fc.constantFrom(...verbs),
        reads: fc.boolean(),
        gapMs: fc.nat(3),
        durationMs: fc.integer({ min: 1, max: 20 }),
        moment: fc.nat(1000),
        fate: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'failed', 'never', 'late', 'soon'),
        lateMs: fc.nat(200),
        ttlMs: fc.constantFrom(5, 1500, 4000),
      }),
      { maxLength: length, size: 'max' },
    )
    .map(simulate);
}

function simulate(drafts: readonly Draft[]): Operation[] {
  const freeAtMs = new Map<number, number>();
  const keys = new Set<string>();
  const planned = drafts.map((draft, id) => {
    const sentAtMs = (freeAtMs.get(draft.client) ?? 0) + draft.gapMs;
    const doneAtMs = sentAtMs + draft.durationMs;
    freeAtMs.set(draft.client, doneAtMs);
    const happensAtMs = draft.fate === 'late' ? sentAtMs + draft.lateMs : sentAtMs + (draft.durationMs * draft.moment) / 1000;
    keys.add(`${draft.kind} {${draft.key}}`);
    return { ...draft, id, sentAtMs, doneAtMs, happensAtMs };
  });
  const values = new Map<string, number>();
  const endsAtMs = new Map<string, number>();
  const lists = new Map<string, number[]>();
  const list = (key: string): number[] => lists.get(key) ?? lists.set(key, []).get(key) ?? [];
  const held: { readonly client: number; readonly key: string; readonly id: number; readonly fromMs: number }[] = [];
  const operations = planned
    .toSorted((a, b) => a.happensAtMs - b.happensAtMs)
    .map((plan) => {
      const key = `${plan.kind} {${plan.key}}`;
      const { id, client, sentAtMs, doneAtMs } = plan;
      const happens = plan.fate !== 'failed' && plan.fate !== 'never';
      const outcome = plan.fate === 'ok' ? ('ok' as const) : plan.fate === 'failed' ? ('failed' as const) : ('unknown' as const);
      const told = { id, key, client, node: `n${plan.key}`, sentAtMs, doneAtMs, outcome };
      const seen = (value: number): number => (outcome === 'ok' ? value : nothing);
      if (plan.reads && plan.kind === 'push') {
        const own = held.findIndex((entry) => entry.client === client && entry.key === key && entry.fromMs <= sentAtMs);
        if (own >= 0) {
          const message = held.splice(own, 1)[0]?.id ?? nothing;
          const taken = list(`${key}:taken`);
          if (happens && taken.includes(message)) taken.splice(taken.indexOf(message), 1);
          return { ...told, verb: 'finish' as const, value: message };
        }
        const message = happens ? (list(key).shift() ?? nothing) : nothing;
        if (message !== nothing) list(`${key}:taken`).push(message);
        if (outcome === 'ok' && message !== nothing) held.push({ client, key, id: message, fromMs: doneAtMs });
        return { ...told, verb: 'take' as const, value: seen(message) };
      }
      if (plan.reads) {
        const verb = readers[plan.kind] as Verb;
        const alive = plan.kind !== 'set-expiring' || plan.happensAtMs < (endsAtMs.get(key) ?? 0);
        const value = (alive ? values.get(key) : undefined) ?? nothing;
        if (verb === 'get-pair') return { ...told, verb, value: nothing, values: outcome === 'ok' ? [value, value] : [] };
        if (verb === 'range' || verb === 'members')
          return { ...told, verb, value: nothing, values: outcome === 'ok' ? [...list(key)] : [] };
        return { ...told, verb, value: seen(value) };
      }
      const verb = plan.kind;
      if (verb === 'increment') {
        const sum = Math.max(0, values.get(key) ?? 0) + 1;
        if (happens) values.set(key, sum);
        return { ...told, verb, value: seen(sum) };
      }
      if (happens) {
        if (['append', 'add', 'push'].includes(verb)) list(key).push(id);
        else values.set(key, id);
        endsAtMs.set(key, plan.happensAtMs + plan.ttlMs);
      }
      return { ...told, verb, value: id, values: verb === 'set-expiring' ? [plan.ttlMs] : [] };
    });
  const finals = [...keys].flatMap((key): AtRest[] => {
    const kind = key.split(' ')[0] as Verb;
    const value = values.get(key) ?? nothing;
    if (kind === 'push') return ['', ':taken'].map((of) => ({ verb: 'range' as const, key: key + of, values: [...list(key + of)] }));
    const verb = readers[kind] as Verb;
    if (kind === 'append' || kind === 'add') return [{ verb, key, values: [...list(key)] }];
    if (kind === 'set-pair') return [{ verb, key, values: [value, value] }];
    return [{ verb, key, value: kind === 'set-expiring' ? nothing : value }];
  });
  return historyOf(operations, finals);
}
