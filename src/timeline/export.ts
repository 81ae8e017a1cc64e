import { type Names, nothing, type Operation, operationOf, type Outcome, type Row, scanHistory, type Verb } from './history.ts';

/** Which operations are wanted: those that fit all that is given. */
export interface Selection {
  readonly key?: string | undefined;
  readonly client?: number | undefined;
  readonly node?: string | undefined;
  readonly outcome?: Outcome | undefined;
  /** Operations that were under way at some time from here on, */
  readonly fromMs?: number | undefined;
  /** or up to here. */
  readonly toMs?: number | undefined;
}

export const formats = ['text', 'edn', 'json'] as const;
export type Format = (typeof formats)[number];

/** What was found on the way. */
export interface Exported {
  readonly selected: number;
  readonly defects: readonly string[];
  /** All that the history knows, to help with a selection that finds nothing. */
  readonly keys: readonly string[];
  readonly nodes: readonly string[];
  readonly clients: readonly number[];
}

/**
 * Writes the operations of a run's history, piece by piece. Text is in the order in which they were done. EDN and JSON are
 * histories of Jepsen, for elle-cli and Knossos: an invocation and a completion for each operation, all in the order of
 * time. The file is read twice: how far an operation reaches back is known before the first is written, so that no more
 * is held than was under way at one time.
 */
export function exportHistory(folder: string, format: Format, selection: Selection, write: (text: string) => void): Exported {
  const fits = filter(selection);
  const nodes = new Set<string>();
  const clients = new Set<number>();
  let final = false;
  let latestMs = Number.NEGATIVE_INFINITY;
  let reachMs = 0;
  let selected = 0;
  const widths = { key: 3, node: 4 };
  const { names, defects } = scanHistory(folder, (row, all) => {
    const node = all.node(row.node);
    if (node !== null) nodes.add(node);
    if (row.final) final = true;
    else clients.add(row.client);
    if (!fits(row, all)) return;
    selected++;
    latestMs = Math.max(latestMs, row.doneAtMs);
    reachMs = Math.max(reachMs, latestMs - row.sentAtMs);
    widths.key = Math.min(40, Math.max(widths.key, all.key(row.key).length));
    widths.node = Math.max(widths.node, node?.length ?? 0);
  });
  const see = (deed: (operation: Operation) => void): void => {
    scanHistory(folder, (row, all) => {
      if (fits(row, all)) deed(operationOf(row, all));
    });
  };
  if (format === 'text') {
    write(tableLine(heading, widths));
    see((operation) => write(line(operation, widths)));
  } else {
    // Who reads at rest is one client more.
    const count = Math.max(-1, ...clients) + (final ? 2 : 1);
    const spell = format === 'edn' ? edn : JSON.stringify;
    let first = true;
    const events = inTimeOrder(count, reachMs, (event) => {
      const text = spell(shown(event, selection.key !== undefined));
      write(format === 'edn' ? `${text}\n` : `${first ? '[' : ',\n'}${text}`);
      first = false;
    });
    see((operation) => events.see(operation));
    events.finish();
    if (format === 'json') write(first ? '[]\n' : ']\n');
  }
  const keys = Array.from({ length: names.keys }, (_, index) => names.key(index));
  return { selected, defects, keys, nodes: [...nodes].sort(), clients: [...clients].sort((a, b) => a - b) };
}

function filter({ key, client, node, outcome, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: Selection) {
  return (row: Row, names: Names): boolean =>
    (key === undefined || names.key(row.key) === key) &&
    (client === undefined || row.client === client) &&
    (node === undefined || names.node(row.node) === node) &&
    (outcome === undefined || row.outcome === outcome) &&
    row.doneAtMs >= fromMs &&
    row.sentAtMs <= toMs;
}

const reads: ReadonlySet<Verb> = new Set(['get', 'range', 'members', 'count', 'get-pair', 'get-expiring']);

type Value = number | string | boolean | null | Word | readonly Value[] | { readonly [name: string]: Value };
/** A keyword of EDN; in JSON a string. */
class Word {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  toJSON(): string {
    return this.name;
  }
}
const word = (name: string): Word => new Word(name);

function edn(value: Value): string {
  if (value === null) return 'nil';
  if (value instanceof Word) return `:${value.name}`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(edn).join(' ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, one]) => `:${name} ${edn(one as Value)}`)
      .join(', ')}}`;
  // A string of EDN knows the escapes of JSON but for \b and \f in some readers; those have a number everywhere.
  if (typeof value === 'string') return JSON.stringify(value).replace(/\\([bf])/g, (_, letter) => (letter === 'b' ? '\\u0008' : '\\u000c'));
  return String(value);
}

interface Event {
  readonly operation: Operation;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  readonly process: number;
  readonly index: number;
}

/** One event as Jepsen has it. `plain`: there is but one key, so that values stand without it. */
function shown({ operation, type, process, index }: Event, plain: boolean): Value {
  const { key, outcome, reason, node, final, replica } = operation;
  const [f, content] = meaning(operation, type === 'ok');
  return {
    index,
    type: word(type),
    process,
    time: Math.round((type === 'invoke' ? operation.sentAtMs : operation.doneAtMs) * 1e6),
    f: word(f),
    value: plain || f === 'txn' ? content : [key, content],
    ...(node === null ? {} : { node }),
    ...(final ? { final } : {}),
    ...(replica ? { replica } : {}),
    ...(operation.verb === 'set-expiring' ? { ttl: operation.values[0] ?? null } : {}),
    ...(type === 'invoke' || type === 'ok' ? {} : { error: outcome === 'ok' ? word('empty') : reason }),
  };
}

/**
 * What an operation is called there, and its value. An operation without its answer has the value of its invocation.
 *
 *     registers, expiring      :write 7, :read 7; those that expire have a :ttl in ms, and no model knows of it
 *     list-append              :txn [[:append key 7]], :txn [[:r key [5 7]]]: list-append of Elle
 *     transactions             :txn [[:w key/0 7] [:w key/1 7]], :txn [[:r key/0 7] [:r key/1 7]]: rw-register of Elle
 *     set-add                  :add 7, :read [5 7]: set and set-full of Jepsen
 *     counters                 :add 1, :read 5: counter of Jepsen
 *     queue                    :enqueue 7, :dequeue 7: total-queue of Jepsen; what is worked off is :finish 7
 *
 * But for :txn, a value is [key value], as independent keys are. Elements are always a vector, because a set could not
 * hold two that no client of ours has written.
 */
function meaning({ verb, key, value, values }: Operation, answered: boolean): readonly [f: string, value: Value] {
  const one = (found: number): Value => (found === nothing ? null : found);
  switch (verb) {
    case 'set':
    case 'set-expiring':
      return ['write', value];
    case 'get':
    case 'get-expiring':
      return ['read', answered ? one(value) : null];
    case 'append':
      return ['txn', [[word('append'), key, value]]];
    case 'range':
      return ['txn', [[word('r'), key, answered ? values : null]]];
    case 'add':
      return ['add', value];
    case 'members':
      return ['read', answered ? values : null];
    case 'increment':
      return ['add', 1];
    case 'count':
      // A counter that is not there is one that nobody has counted up.
      return ['read', answered ? (value === nothing ? 0 : value) : null];
    case 'push':
      return ['enqueue', value];
    case 'take':
      return ['dequeue', answered ? one(value) : null];
    case 'finish':
      return ['finish', value];
    case 'set-pair':
      return ['txn', [0, 1].map((half) => [word('w'), `${key}/${half}`, value])];
    case 'get-pair':
      return ['txn', [0, 1].map((half) => [word('r'), `${key}/${half}`, answered ? one(values[half] ?? nothing) : null])];
  }
}

/** What becomes of an operation there. One that took nothing from an empty queue has not happened. */
function typeOf({ verb, outcome, value }: Operation): 'ok' | 'fail' | 'info' {
  if (outcome === 'ok') return verb === 'take' && value === nothing ? 'fail' : 'ok';
  // A read has changed nothing, so that one without an answer need not be kept open for ever.
  return outcome === 'failed' || reads.has(verb) ? 'fail' : 'info';
}

/**
 * Puts invocations and completions into the order of time, and gives each operation a process. A client is as many
 * processes as it ever had operations under way at a time: itself, itself + the number of clients, and so on. A process
 * whose operation is :info has it under way for ever and is never used again. What is sent in the instant in which
 * something else is done counts as sent before that, which claims nothing about the order of the two.
 */
function inTimeOrder(clients: number, reachMs: number, write: (event: Event) => void) {
  const waiting = new Heap();
  const free: number[][] = [];
  const used: number[] = [];
  const processes = new Map<Operation, number>();
  let index = 0;
  let latestMs = Number.NEGATIVE_INFINITY;

  const clientOf = ({ client, final }: Operation): number => (final ? clients - 1 : client);
  const processFor = (operation: Operation): number => {
    const client = clientOf(operation);
    // The lowest that is free, so that the same history gives the same processes.
    const idle = (free[client] ??= []);
    const lowest = idle.indexOf(Math.min(...idle));
    if (lowest >= 0) return idle.splice(lowest, 1)[0] as number;
    const nth = used[client] ?? 0;
    used[client] = nth + 1;
    return client + nth * clients;
  };

  const emit = ({ operation, done }: Waiting): void => {
    if (!done) {
      const process = processFor(operation);
      processes.set(operation, process);
      write({ operation, type: 'invoke', process, index: index++ });
      waiting.push({ operation, done: true, atMs: operation.doneAtMs });
      return;
    }
    const process = processes.get(operation) as number;
    processes.delete(operation);
    const type = typeOf(operation);
    if (type !== 'info') free[clientOf(operation)]?.push(process);
    write({ operation, type, process, index: index++ });
  };

  return {
    see(operation: Operation): void {
      waiting.push({ operation, done: false, atMs: operation.sentAtMs });
      latestMs = Math.max(latestMs, operation.doneAtMs);
      // Whatever is still to come was sent no earlier than this.
      while (waiting.size > 0 && waiting.firstAtMs < latestMs - reachMs) emit(waiting.pop());
    },
    finish(): void {
      while (waiting.size > 0) emit(waiting.pop());
    },
  };
}

interface Waiting {
  readonly operation: Operation;
  readonly done: boolean;
  readonly atMs: number;
}

const before = (a: Waiting, b: Waiting): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && !a.done && b.done);

/** A binary heap: the earliest first, at the same time an invocation before a completion. */
class Heap {
  readonly #items: Waiting[] = [];

  get size(): number {
    return this.#items.length;
  }

  get firstAtMs(): number {
    return this.#items[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  push(item: Waiting): void {
    const items = this.#items;
    let at = items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent] as Waiting)) break;
      items[at] = items[parent] as Waiting;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Waiting {
    const items = this.#items;
    const first = items[0] as Waiting;
    const last = items.pop() as Waiting;
    if (items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1] as Waiting, items[child] as Waiting)) child++;
      if (!before(items[child] as Waiting, last)) break;
      items[at] = items[child] as Waiting;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

interface Widths {
  readonly key: number;
  readonly node: number;
}

/** The columns of a table, each as wide as it must be; the last is as long as it is. */
const tableLine = (
  [id, client, sent, took, node, verb, key, rest]: readonly [string, string, string, string, string, string, string, string],
  widths: Widths,
): string =>
  `${[
    id.padStart(8),
    client.padStart(6),
    sent.padStart(12),
    took.padStart(9),
    node.padEnd(widths.node),
    verb.padEnd(12),
    key.padEnd(widths.key),
    rest,
  ]
    .join('  ')
    .trimEnd()}\n`;

const heading = ['id', 'client', 'sent ms', 'took ms', 'node', 'verb', 'key', 'value, outcome'] as const;

/** One operation for people. Values that a read did not get are not shown, nor is an outcome that is ok. */
function line(operation: Operation, widths: Widths): string {
  const { id, client, sentAtMs, doneAtMs, node, verb, key, outcome, reason, final, replica } = operation;
  const outcomeText = outcome === 'ok' ? [] : [`${outcome}${reason === null ? '' : ` (${reason})`}`];
  const marks = [...outcomeText, ...(final ? ['final'] : []), ...(replica ? ['replica'] : [])];
  return tableLine(
    [
      String(id),
      final ? '-' : String(client),
      sentAtMs.toFixed(3),
      (doneAtMs - sentAtMs).toFixed(3),
      node ?? '-',
      verb,
      printable(key),
      [valueText(operation), ...marks].filter((text) => text !== '').join('  '),
    ],
    widths,
  );
}

/** A key on one line, whatever bytes it has. */
const printable = (text: string): string => (/\p{Cc}/u.test(text) ? JSON.stringify(text).slice(1, -1) : text);
const shownValues = 20;

function valueText({ verb, outcome, value, values }: Operation): string {
  const spelt = (one: number): string => (one === nothing ? 'nothing' : one < nothing ? 'foreign' : String(one));
  if (outcome !== 'ok' && (reads.has(verb) || verb === 'take' || verb === 'increment')) return '';
  if (verb === 'set-expiring') return `${value} for ${values[0] ?? 0} ms`;
  if (verb !== 'range' && verb !== 'members' && verb !== 'get-pair') return spelt(value);
  const more = values.length - shownValues;
  return `[${values.slice(0, shownValues).map(spelt).join(' ')}${more > 0 ? ` and ${more} more` : ''}]`;
}
