import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import {
  foreign,
  historyFile,
  HistoryWriter,
  nothing,
  type Operation,
  operationOf,
  outcomes,
  scanHistory,
  verbs,
} from '../../src/timeline/history.ts';

function folderOf(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'history-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const fail = (error: unknown): never => {
  throw error;
};

const operation: Operation = {
  id: 7,
  client: 1,
  verb: 'set',
  key: 'register:7',
  slot: 2,
  node: 'node-1',
  dueAtMs: 3,
  sentAtMs: 3.25,
  doneAtMs: 4.5,
  outcome: 'unknown',
  reason: 'timeout',
  value: 7,
  values: [],
  final: false,
  replica: false,
};

/** Frames by the operations in each. */
function written(frames: readonly (readonly Operation[])[]): string {
  const folder = folderOf();
  using writer = new HistoryWriter(folder, fail);
  for (const operations of frames) {
    for (const one of operations) writer.add(one);
    writer.flush();
  }
  return folder;
}

function read(folder: string): { readonly operations: Operation[]; readonly defects: string[] } {
  const operations: Operation[] = [];
  const { defects } = scanHistory(folder, (row, names) => operations.push(operationOf(row, names)));
  return { operations, defects };
}

/** A file with these bytes, read. */
function readBytes(bytes: Uint8Array): ReturnType<typeof read> {
  const folder = folderOf();
  writeFileSync(path.join(folder, historyFile), bytes);
  return read(folder);
}

const bytesOf = (frames: readonly (readonly Operation[])[]): Buffer => readFileSync(path.join(written(frames), historyFile));

const name = fc.string({ unit: 'grapheme' });
const value = fc.oneof(fc.nat(2 ** 28), fc.constantFrom(nothing, foreign));
/** Thousandths of a ms that a float of 32 bits holds exactly. */
const lateMs = fc.nat(1 << 20).map((n) => n / 1_024);
const anyOperation: fc.Arbitrary<Operation> = fc
  .record({
    id: fc.nat(),
    client: fc.nat(0xffff),
    verb: fc.constantFrom(...verbs),
    key: name,
    node: fc.option(name),
    lateMs,
    sentAtMs: fc.nat(1 << 30).map((n) => 1_024 + n / 1_024),
    tookMs: lateMs,
    outcome: fc.constantFrom(...outcomes),
    reason: fc.option(name),
    value,
    values: fc.array(value),
    final: fc.boolean(),
    replica: fc.boolean(),
  })
  .map(({ lateMs: late, tookMs, ...rest }) => ({
    ...rest,
    // A key has one slot.
    slot: rest.key.length,
    dueAtMs: rest.sentAtMs - late,
    doneAtMs: rest.sentAtMs + tookMs,
  }));

describe('history.bin', () => {
  it('gives back every operation as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyOperation)), (frames) => {
        expect(read(written(frames))).toEqual({ operations: frames.flat(), defects: [] });
      }),
    );
  });
  it('holds operations that are larger than any buffer', () => {
    const large = { ...operation, verb: 'range', values: Array.from({ length: 700_000 }, (_, index) => index) } as const;
    expect(read(written([[operation, large, operation]]))).toEqual({ operations: [operation, large, operation], defects: [] });
  });
  it('has an operation by the end of the turn of the event loop in which it was added', async () => {
    const folder = folderOf();
    using writer = new HistoryWriter(folder, fail);
    writer.add(operation);
    await new Promise(setImmediate);
    expect(read(folder)).toEqual({ operations: [operation], defects: [] });
  });
  it('may be empty', () => expect(readBytes(Buffer.alloc(0))).toEqual({ operations: [], defects: [] }));
  it('keeps operations whose reason does not fit into the table any more', () => {
    const folder = folderOf();
    using writer = new HistoryWriter(folder, fail);
    for (let n = 0; n < 0x1_0002; n++) writer.add({ ...operation, reason: `reason ${n}` });
    writer.flush();
    let rows = 0;
    const reasons = new Set<string | null>();
    scanHistory(folder, (row, names) => {
      rows++;
      reasons.add(names.reason(row.reason));
    });
    expect([rows, reasons.size, reasons.has(null)]).toEqual([0x1_0002, 0x1_0000, true]);
  });
  it('refuses a name that is too long, and goes on', () => {
    const folder = folderOf();
    using writer = new HistoryWriter(folder, fail);
    expect(() => writer.add({ ...operation, key: 'k'.repeat(70_000) })).toThrow(UsageError);
    writer.add(operation);
    writer.flush();
    expect(read(folder)).toEqual({ operations: [operation], defects: [] });
  });
});

const frames = [0, 1, 2, 3].map((n) => [
  { ...operation, id: n, key: `key ${n}`, node: `node-${n}`, reason: `reason ${n}` },
  // A name that looks like the beginning of a frame is none.
  { ...operation, id: n + 10, key: `SQH1SQH1${n}` },
]);
const bytes = (): { readonly whole: Buffer; readonly ends: readonly number[] } => {
  const whole = bytesOf(frames);
  return { whole, ends: frames.map((_, index) => bytesOf(frames.slice(0, index + 1)).length) };
};

describe('a damaged history', () => {
  it('is read up to its last whole frame, wherever it was cut off', () => {
    const { whole, ends } = bytes();
    for (let length = 0; length < whole.length; length++) {
      const frameCount = ends.filter((end) => end <= length).length;
      const { operations, defects } = readBytes(whole.subarray(0, length));
      expect(operations, `${length} bytes`).toEqual(frames.slice(0, frameCount).flat());
      const left = length - (ends[frameCount - 1] ?? 0);
      const what = frameCount > 0 ? 'ends in the middle of a frame' : 'holds no whole frame';
      const said = defects.map((defect) => defect.replace(/ at \d+ were left out.*$/, ''));
      expect(said, `${length} bytes`).toEqual(left === 0 ? [] : [`history.bin ${what}; ${left} bytes`]);
    }
  });
  it('loses one frame by one flipped bit, wherever it is, and says which bytes', () => {
    const { whole, ends } = bytes();
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      const frame = ends.findIndex((end) => at < end);
      const start = ends[frame - 1] ?? 0;
      const { operations, defects } = readBytes(flipped);
      expect(
        operations.map(({ id }) => id),
        `byte ${at}`,
      ).toEqual(frames.flatMap((all, index) => (index === frame ? [] : all.map(({ id }) => id))));
      const left = (ends[frame] as number) - start;
      expect(defects, `byte ${at}`).toEqual([expect.stringContaining(`${left} bytes`)]);
      expect(defects[0]).toMatch(new RegExp(`^history\\.bin is damaged.* ${start}(;| were)`));
    }
  });
  it('makes up the names that were lost with a frame', () => {
    const first = { ...operation, key: 'a', reason: 'r' };
    const whole = bytesOf([[first], [first, { ...first, key: 'b' }]]);
    whole[20] = (whole[20] as number) ^ 1;
    const { operations } = readBytes(whole);
    expect(operations).toEqual([
      { ...first, key: 'key #0', slot: -1, node: 'node #0', reason: 'reason #0' },
      { ...first, key: 'b', node: 'node #0', reason: 'reason #0' },
    ]);
  });
  it('never makes the reader throw, and is read on after garbage of any length', () => {
    const { whole } = bytes();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, size: 'large' }), (garbage) => {
        const { operations, defects } = readBytes(Buffer.concat([whole, garbage, whole]));
        expect(operations).toEqual([...frames.flat(), ...frames.flat()]);
        expect(defects).toEqual([`history.bin is damaged at byte ${whole.length}; ${garbage.length} bytes were left out`]);
      }),
      { numRuns: 30 },
    );
  });
  it('is found again beyond damage that is longer than what is read at a time', () => {
    const { whole } = bytes();
    const garbage = Buffer.alloc(3_500_001, 'SQH');
    expect(readBytes(Buffer.concat([garbage, whole]))).toEqual({
      operations: frames.flat(),
      defects: ['history.bin is damaged at byte 0; 3500001 bytes were left out'],
    });
  });
  it('of another kind is no history at all, which is said', () => {
    const { operations, defects } = readBytes(Buffer.from('{"some":"JSON"}\n'.repeat(200_000)));
    expect(operations).toEqual([]);
    expect(defects).toEqual([
      'history.bin holds no whole frame; 3200000 bytes at 0 were left out; it was cut off at once, or is a file of another kind',
    ]);
  });
});

describe('no history', () => {
  it('is one sentence', () => {
    const folder = folderOf();
    expect(() => read(folder)).toThrow(UsageError);
    expect(() => read(folder)).toThrow(/^expected the history of a run at .*history\.bin, but it cannot be read \(ENOENT/);
    mkdirSync(path.join(folder, historyFile));
    expect(() => read(folder)).toThrow(UsageError);
  });
});
