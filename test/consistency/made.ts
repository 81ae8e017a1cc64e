import keySlot from 'cluster-key-slot';
import type { Check } from '../../src/consistency.ts';
import { WriteIndex } from '../../src/consistency/writes.ts';
import {
  foreign,
  type Names,
  nothing,
  type Operation,
  type Outcome,
  outcomes,
  type Row,
  type Verb,
  verbs,
} from '../../src/timeline/history.ts';

/**
 * A history by hand, one operation a line, in any order:
 *
 *     0-5    c1 n1 set k 1                     sent at 0 ms, done at 5 ms; client 1, node n1, key k, id and value 1
 *     6-7    c2 n1 get k 1                     what a read returned: ids, 'nothing', 'foreign', or no value at all
 *     8-20   c1 n1 append l 2 unknown:timeout  an outcome other than ok, and its reason
 *     8-9    c2 n2 range l 1 2 replica         sent to a replica
 *     8-9    c2 -  increment c 7 #3            operation 3, to nobody knows which node; the reply told a sum of 7
 *     1-2    c1 n1 set-expiring e 4 1000       id 4, to live 1000 ms
 *     final  n1 range l 1 2                    read at rest, after everything else
 *     final  n2 range l failed:moved
 *
 * What is no write of a value of its own (reads, increment, take, finish) gets an id beyond 1000 where none is given.
 * Empty lines and what follows '//' are left out. The operations come in the order in which they were done.
 */
export function made(text: string): Operation[] {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/\/\/.*/, '').trim())
    .filter((line) => line !== '');
  const operations = lines.map((line, index) => operationOf(line, 1000 + index));
  const endMs = Math.max(0, ...operations.filter(({ final }) => !final).map(({ doneAtMs }) => doneAtMs));
  return operations
    .map((operation, index): Operation => {
      if (!operation.final) return operation;
      const sentAtMs = endMs + 1000 + index;
      return { ...operation, dueAtMs: sentAtMs, sentAtMs, doneAtMs: sentAtMs + 1 };
    })
    .sort((a, b) => a.doneAtMs - b.doneAtMs);
}

const own: readonly Verb[] = ['set', 'append', 'add', 'push', 'set-pair', 'set-expiring'];
const several: readonly Verb[] = ['range', 'members', 'get-pair'];

function operationOf(line: string, spareId: number): Operation {
  const words = line.split(/\s+/);
  const wrong = (what: string): Error => new Error(`expected ${what} in the line '${line}' of a made history`);
  const [time = '', ...rest] = words;
  const final = time === 'final';
  const [, sent, done] = /^([\d.]+)-([\d.]+)$/.exec(time) ?? [];
  if (!final && done === undefined) throw wrong("'sent-done' or 'final'");
  if (final) rest.unshift('c0');
  const [client = '', node = '', verb = '', key = '', ...more] = rest;
  if (!/^c\d+$/.test(client)) throw wrong('a client as c1');
  if (!(verbs as readonly string[]).includes(verb) || key === '') throw wrong('a verb and a key');
  let id: number | undefined;
  let outcome: Outcome = 'ok';
  let reason: string | null = null;
  let replica = false;
  const values: number[] = [];
  for (const word of more) {
    const [head = '', tail = null] = word.split(':');
    if (word === 'replica') replica = true;
    else if (word === 'nothing') values.push(nothing);
    else if (word === 'foreign') values.push(foreign);
    else if (/^#\d+$/.test(word)) id = Number(word.slice(1));
    else if (/^\d+$/.test(word)) values.push(Number(word));
    else if ((outcomes as readonly string[]).includes(head)) [outcome, reason] = [head as Outcome, tail];
    else throw wrong(`something else than '${word}'`);
  }
  const whole = several.includes(verb as Verb);
  const [value = nothing, ...others] = values;
  const sentAtMs = Number(sent ?? 0);
  return {
    id: id ?? (own.includes(verb as Verb) ? value : spareId),
    client: Number(client.slice(1)),
    verb: verb as Verb,
    key,
    slot: keySlot(key),
    node: node === '-' ? null : node,
    dueAtMs: sentAtMs,
    sentAtMs,
    doneAtMs: Number(done ?? 0),
    outcome,
    reason,
    value: whole ? nothing : value,
    values: whole ? values : others,
    final,
    replica,
  };
}

class Table {
  readonly names: string[] = [];
  readonly #indexes = new Map<string, number>();
  indexOf(name: string): number {
    const index = this.#indexes.get(name) ?? this.names.push(name) - 1;
    this.#indexes.set(name, index);
    return index;
  }
}

/** Shows operations to a function as scanHistory would, without a file: one row that is used again and again. */
export function scan(operations: readonly Operation[], see: (row: Row, names: Names) => void): Names {
  const tables = { key: new Table(), node: new Table(), reason: new Table() };
  const slots: number[] = [];
  const names: Names = {
    key: (index) => tables.key.names[index] ?? `key #${index}`,
    slot: (index) => slots[index] ?? -1,
    node: (index) => tables.node.names[index] ?? null,
    reason: (index) => tables.reason.names[index] ?? null,
    get keys() {
      return tables.key.names.length;
    },
  };
  let values: readonly number[] = [];
  const row = { valueAt: (index: number) => values[index] } as Row;
  for (const operation of operations) {
    const { key, slot, node, reason, dueAtMs, values: returned, ...same } = operation;
    values = returned;
    const index = tables.key.indexOf(key);
    slots[index] = slot;
    Object.assign(row, same, {
      key: index,
      node: node === null ? -1 : tables.node.indexOf(node),
      reason: reason === null ? -1 : tables.reason.indexOf(reason),
      lateMs: operation.sentAtMs - dueAtMs,
      count: returned.length,
    });
    see(row, names);
  }
  return names;
}

/** What pass 1 keeps of a history. */
export function indexOf(operations: readonly Operation[]): WriteIndex {
  const writes = new WriteIndex();
  scan(operations, (row) => writes.see(row));
  return writes;
}

/** Both passes over a history, made by hand or given: what the check says in the end. */
export function checked<Result>(history: string | readonly Operation[], make: (writes: WriteIndex) => Check<Result>): Result {
  const operations = typeof history === 'string' ? made(history) : history;
  const check = make(indexOf(operations));
  return check.finish(scan(operations, (row, names) => check.see(row, names)));
}
