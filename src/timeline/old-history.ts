import { readFileSync } from 'node:fs';
import path from 'node:path';

/** One operation of a client. Times are milliseconds on the run's clock. */
export interface Operation {
  readonly client: number;
  readonly kind: 'write' | 'read';
  readonly key: string;
  readonly slot: number;
  /** What was written, or what a read returned. */
  readonly value: string | null;
  /** The node it was sent to. */
  readonly node: string;
  readonly sentAtMs: number;
  readonly doneAtMs: number;
  readonly outcome: 'ok' | 'failed' | 'unknown';
  readonly reason: string | null;
}

/**
 * history.jsonl: a JSON array a line, in the order in which operations were done:
 * [client, "w" or "r", key, slot, value, node, sent at ms, done at ms, outcome, reason].
 */
export function formatOperation(o: Operation): string {
  return JSON.stringify([
    o.client,
    o.kind === 'write' ? 'w' : 'r',
    o.key,
    o.slot,
    o.value,
    o.node,
    o.sentAtMs,
    o.doneAtMs,
    o.outcome,
    o.reason,
  ]);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
/** What stands in each column. */
const columns: readonly ((value: unknown) => boolean)[] = [
  Number.isInteger,
  (kind) => kind === 'w' || kind === 'r',
  isText,
  Number.isInteger,
  isTextOrNull,
  isText,
  Number.isFinite,
  Number.isFinite,
  (outcome) => outcome === 'ok' || outcome === 'failed' || outcome === 'unknown',
  isTextOrNull,
];

function parseOperation(line: string): Operation | null {
  try {
    const row = JSON.parse(line) as unknown;
    if (!Array.isArray(row) || row.length !== columns.length || !columns.every((fits, index) => fits(row[index]))) return null;
    const [client, kind, key, slot, value, node, sentAtMs, doneAtMs, outcome, reason] = row as [
      number,
      string,
      string,
      number,
      string | null,
      string,
      number,
      number,
      Operation['outcome'],
      string | null,
    ];
    return { client, kind: kind === 'w' ? 'write' : 'read', key, slot, value, node, sentAtMs, doneAtMs, outcome, reason };
  } catch {
    return null;
  }
}

/** Parses history.jsonl. Lines that are no operation, and a last one that was cut off, are left out and reported. */
export function parseHistory(text: string): { readonly operations: Operation[]; readonly defects: string[] } {
  const lines = text.split('\n');
  const last = lines.pop();
  const parsed = lines.map(parseOperation);
  const broken = parsed.flatMap((operation, index) => (operation === null ? [index + 1] : []));
  const defects: string[] = [];
  if (broken.length > 0)
    defects.push(
      `history.jsonl line ${broken.slice(0, 5).join(', ')}${broken.length > 5 ? ` and ${broken.length - 5} more` : ''}: not an operation, left out`,
    );
  if (last) defects.push('history.jsonl ends in the middle of a line; that line was left out');
  return { operations: parsed.filter((operation) => operation !== null), defects };
}

/** Reads whatever is whole; what is not is said. */
export function readHistory(folder: string): { readonly operations: Operation[]; readonly defects: string[] } {
  let text: string;
  try {
    text = readFileSync(path.join(folder, 'history.jsonl'), 'utf8');
  } catch {
    return { operations: [], defects: ['history.jsonl is missing: nothing is known of single operations'] };
  }
  return parseHistory(text);
}
