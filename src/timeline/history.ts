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

function parseOperation(line: string): Operation | null {
  try {
    const row = JSON.parse(line) as unknown;
    if (!Array.isArray(row) || row.length !== 10 || !['ok', 'failed', 'unknown'].includes(row[8] as string)) return null;
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

/** Reads whatever is whole; what is not is said. */
export function readHistory(folder: string): { readonly operations: Operation[]; readonly defects: string[] } {
  let text: string;
  try {
    text = readFileSync(path.join(folder, 'history.jsonl'), 'utf8');
  } catch {
    return { operations: [], defects: ['history.jsonl is missing: nothing is known of single operations'] };
  }
  const parsed = text.split('\n').filter(Boolean).map(parseOperation);
  const broken = parsed.filter((operation) => operation === null).length;
  return {
    operations: parsed.filter((operation) => operation !== null),
    defects: broken > 0 ? [`history.jsonl: ${broken} lines are not whole and were left out`] : [],
  };
}
