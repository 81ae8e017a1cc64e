import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatOperation, type Operation, parseHistory, readHistory } from '../../src/timeline/old-history.ts';

const operation: Operation = {
  client: 1,
  kind: 'write',
  key: 'k',
  slot: 2,
  value: 'v',
  node: 'node-1',
  sentAtMs: 3.25,
  doneAtMs: 4.5,
  outcome: 'unknown',
  reason: 'timeout',
};
const line = `${formatOperation(operation)}\n`;

describe('history.jsonl', () => {
  it('gives back every operation as it was', () => {
    const text = fc.option(fc.string());
    fc.assert(
      fc.property(
        fc.record<Operation>({
          client: fc.nat(),
          kind: fc.constantFrom('write', 'read'),
          key: fc.string(),
          slot: fc.nat(16_383),
          value: text,
          node: fc.string(),
          sentAtMs: fc.nat(),
          doneAtMs: fc.nat(),
          outcome: fc.constantFrom('ok', 'failed', 'unknown'),
          reason: text,
        }),
        (any) => {
          expect(parseHistory(`${formatOperation(any)}\n`)).toEqual({ operations: [any], defects: [] });
        },
      ),
    );
  });
  it('is used as far as it is whole, and says what is not', () => {
    const { operations, defects } = parseHistory(
      `${line}garbage\n${line.replace('"unknown"', '"maybe"')}${line.replace('"k"', '7')}${line}${line.slice(0, 10)}`,
    );
    expect(operations).toEqual([operation, operation]);
    expect(defects).toEqual([expect.stringContaining('line 2, 3, 4'), expect.stringContaining('middle of a line')]);
  });
  it('never makes the reader throw', () => fc.assert(fc.property(fc.string(), (text) => void parseHistory(text))));
  it('may be missing, which is said', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'history-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    expect(readHistory(folder)).toMatchObject({ operations: [], defects: [expect.stringContaining('missing')] });
    writeFileSync(path.join(folder, 'history.jsonl'), line);
    expect(readHistory(folder)).toEqual({ operations: [operation], defects: [] });
  });
});
