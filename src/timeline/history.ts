import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { messageOf, UsageError } from '../base/errors.ts';

/**
 * What clients did, operation by operation: history.bin. A file of frames, each whole or not there:
 *
 *     frame      'SQH1', length u32, crc32 of the body u32, crc32 of the twelve bytes before it u32, body
 *     body       records, one after the other
 *     name       1 u8, table u8 (0 key, 1 node, 2 reason), byte length u16, index u32, slot u16 (keys only), UTF-8
 *     operation  2 u8, verb u8, outcome and marks u8, 0 u8, id u32, client u16, node u16, reason u16, 0 u16, key u32,
 *                value i32, late f32, sent f64, done f64, count u32, 0 u32, count x value i32
 *
 * Little endian; times are milliseconds on the run's clock, `late` is how long after its intended start the operation
 * was sent. Verbs and outcomes are counted from 0 in the order in which they stand below; an outcome is the lower two bits
 * of its byte, 4 marks a read at rest, 8 a read that a replica was asked for or, at rest, answered. Names stand before the
 * first operation that uses them, 65535 is no name. Operations stand in the order in which they were done. Ids are unique.
 * A write's value is its id, but for the sum that an increment was told and the message that is finished; -1 is nothing,
 * -2 is a value that no client of ours has written. The client 65535 is the harness that reads at rest. The head of a frame has a checksum of its own, so that a damaged length is known before
 * anything is read by it.
 */
export const historyFile = 'history.bin';

/** What an operation asks for. A key has one kind of value, and each kind has its own verbs: see workload/. */
export const verbs = [
  'set',
  'get',
  'append',
  'range',
  'add',
  'members',
  'increment',
  'count',
  'push',
  'take',
  'finish',
  'set-pair',
  'get-pair',
  'set-expiring',
  'get-expiring',
] as const;
export type Verb = (typeof verbs)[number];

/** `failed`: it did not happen. `unknown`: it may have. */
export const outcomes = ['ok', 'failed', 'unknown'] as const;
export type Outcome = (typeof outcomes)[number];

export const nothing = -1;
export const foreign = -2;

/** One operation of a client. */
export interface Operation {
  readonly id: number;
  readonly client: number;
  readonly verb: Verb;
  readonly key: string;
  readonly slot: number;
  /** The node that it was sent to; null where the client does not tell. */
  readonly node: string | null;
  /** Intended start; never later than `sentAtMs`. */
  readonly dueAtMs: number;
  readonly sentAtMs: number;
  readonly doneAtMs: number;
  readonly outcome: Outcome;
  readonly reason: string | null;
  /** What was written (its id), or what a read returned: `nothing`, `foreign`, or a value. For an increment, the sum. */
  readonly value: number;
  /** What a read of several values returned; for 'set-expiring' the time to live in ms. */
  readonly values: readonly number[];
  /** Read at rest, when everything was over, from one certain node. */
  readonly final: boolean;
  /** Sent to a replica, to be answered by it. */
  readonly replica: boolean;
}

const none = 0xffff;
const tables = ['key', 'node', 'reason'] as const;
type Table = (typeof tables)[number];
const magic = 0x31_48_51_53; // 'SQH1'
const frameHead = 16;
const nameBytes = 10;
const operationBytes = 52;
/** A frame is written when this much is waiting, or when the event loop comes round. */
const frameBytes = 1 << 19;

/**
 * Writes history.bin. An operation is in the file by the end of the turn of the event loop in which it was added: a
 * killed run leaves all but the last few microseconds. When the file cannot be written, `onUnwritable` is told once.
 */
export class HistoryWriter implements Disposable {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #onUnwritable: (error: unknown, file: string) => void;
  readonly #names: Record<Table, Map<string, number>> = { key: new Map(), node: new Map(), reason: new Map() };
  #bytes = Buffer.allocUnsafe(frameBytes);
  /** The same bytes: a Buffer checks every number that it writes. */
  #view = viewOf(this.#bytes);
  #length = frameHead;
  #due: NodeJS.Immediate | undefined;
  #broken = false;

  constructor(folder: string, onUnwritable: (error: unknown, file: string) => void) {
    this.#file = path.join(folder, historyFile);
    this.#descriptor = openSync(this.#file, 'wx');
    this.#onUnwritable = onUnwritable;
  }

  add(operation: Operation): void {
    const key = this.#name('key', operation.key, operation.slot);
    const node = operation.node === null ? none : this.#name('node', operation.node);
    const reason = operation.reason === null ? none : this.#name('reason', operation.reason);
    this.#reserve(operationBytes + 4 * operation.values.length);
    const [bytes, view] = [this.#bytes, this.#view];
    const at = this.#length;
    bytes[at] = 2;
    bytes[at + 1] = verbs.indexOf(operation.verb);
    bytes[at + 2] = outcomes.indexOf(operation.outcome) | (operation.final ? 4 : 0) | (operation.replica ? 8 : 0);
    bytes[at + 3] = 0;
    view.setUint32(at + 4, operation.id, true);
    view.setUint16(at + 8, operation.client, true);
    view.setUint16(at + 10, node, true);
    view.setUint16(at + 12, reason, true);
    view.setUint16(at + 14, 0, true);
    view.setUint32(at + 16, key, true);
    view.setInt32(at + 20, operation.value, true);
    view.setFloat32(at + 24, operation.sentAtMs - operation.dueAtMs, true);
    view.setFloat64(at + 28, operation.sentAtMs, true);
    view.setFloat64(at + 36, operation.doneAtMs, true);
    const { length } = operation.values;
    view.setUint32(at + 44, length, true);
    // The count is followed by four bytes of nothing, so that a later format can say more.
    view.setUint32(at + 48, 0, true);
    for (let index = 0; index < length; index++) view.setInt32(at + operationBytes + 4 * index, operation.values[index] as number, true);
    this.#length = at + operationBytes + 4 * length;
    this.#due ??= setImmediate(() => this.flush());
  }

  #name(table: Table, name: string, slot = 0): number {
    const known = this.#names[table].get(name);
    if (known !== undefined) return known;
    const index = this.#names[table].size;
    // Rather no name than no operation: reasons may be whatever an engine says.
    if (table !== 'key' && index === none) return none;
    const text = Buffer.from(name);
    if (text.length > 0xffff) throw new UsageError(`a name of ${text.length} bytes is too long for the history`);
    this.#names[table].set(name, index);
    this.#reserve(nameBytes + text.length);
    let at = this.#bytes.writeUInt8(1, this.#length);
    at = this.#bytes.writeUInt8(tables.indexOf(table), at);
    at = this.#bytes.writeUInt16LE(text.length, at);
    at = this.#bytes.writeUInt32LE(index, at);
    at = this.#bytes.writeUInt16LE(slot, at);
    this.#length = at + text.copy(this.#bytes, at);
    return index;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    this.flush();
    if (frameHead + bytes <= this.#bytes.length) return;
    this.#bytes = Buffer.allocUnsafe(frameHead + 2 * bytes);
    this.#view = viewOf(this.#bytes);
  }

  flush(): void {
    clearImmediate(this.#due);
    this.#due = undefined;
    const length = this.#length - frameHead;
    this.#length = frameHead;
    if (length === 0 || this.#broken) return;
    const frame = this.#bytes.subarray(0, frameHead + length);
    frame.writeUInt32LE(magic, 0);
    frame.writeUInt32LE(length, 4);
    frame.writeUInt32LE(crc32(frame.subarray(frameHead)), 8);
    frame.writeUInt32LE(crc32(frame.subarray(0, 12)), 12);
    try {
      // Unlike writeSync it goes on after a short write, and so finds out that the disk is full.
      writeFileSync(this.#descriptor, frame);
    } catch (error) {
      this.#broken = true;
      this.#onUnwritable(error, this.#file);
    }
  }

  [Symbol.dispose](): void {
    this.flush();
    closeSync(this.#descriptor);
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView => new DataView(buffer, byteOffset, byteLength);

/**
 * One operation while the history streams by: the same object for each, so what must outlast the call is copied. Names
 * are indexes into the tables of the scan; -1 is no name.
 */
export interface Row {
  id: number;
  client: number;
  verb: Verb;
  outcome: Outcome;
  final: boolean;
  replica: boolean;
  key: number;
  node: number;
  reason: number;
  value: number;
  lateMs: number;
  sentAtMs: number;
  doneAtMs: number;
  /** How many values a read of several returned, and each of them. */
  count: number;
  valueAt(index: number): number;
}

/** The names that a history uses, by the indexes of its rows. A name whose frame is damaged is made up. */
export interface Names {
  key(index: number): string;
  slot(index: number): number;
  node(index: number): string | null;
  reason(index: number): string | null;
  readonly keys: number;
}

class NameTable implements Names {
  readonly #names: Record<Table, string[]> = { key: [], node: [], reason: [] };
  readonly #slots: number[] = [];
  set(table: Table, index: number, name: string, slot: number): void {
    this.#names[table][index] = name;
    if (table === 'key') this.#slots[index] = slot;
  }
  key(index: number): string {
    return this.#names.key[index] ?? `key #${index}`;
  }
  slot(index: number): number {
    return this.#slots[index] ?? -1;
  }
  node(index: number): string | null {
    return index < 0 ? null : (this.#names.node[index] ?? `node #${index}`);
  }
  reason(index: number): string | null {
    return index < 0 ? null : (this.#names.reason[index] ?? `reason #${index}`);
  }
  get keys(): number {
    return this.#names.key.length;
  }
}

/**
 * Streams history.bin past a function, in the order of the file, holding a megabyte or its largest frame at a time. What
 * is damaged is left out and said. Throws a UsageError when there is no history at all.
 */
export function scanHistory(folder: string, see: (row: Row, names: Names) => void): { readonly names: Names; readonly defects: string[] } {
  const file = path.join(folder, historyFile);
  const reading = <T>(deed: () => T): T => {
    try {
      return deed();
    } catch (error) {
      throw new UsageError(`expected the history of a run at ${file}, but it cannot be read (${messageOf(error)})`);
    }
  };
  const descriptor = reading(() => openSync(file, 'r'));
  const names = new NameTable();
  const defects: string[] = [];
  let frames = 0;
  /** Where the damage began that is being passed over; -1 where all is well. */
  let damagedAt = -1;
  let cutOff = false;
  try {
    let buffer = Buffer.allocUnsafe(2 * frameBytes);
    /** How much of the buffer was read before and is still to be looked at, and where in the file it stands. */
    let kept = 0;
    let offset = 0;
    for (;;) {
      // A frame that fills the buffer needs a larger one; otherwise the same serves for the whole file.
      if (kept === buffer.length) buffer = Buffer.concat([buffer], 2 * buffer.length);
      const read = reading(() => readSync(descriptor, buffer, kept, buffer.length - kept, null));
      const bytes = buffer.subarray(0, kept + read);
      let at = 0;
      while (at + frameHead <= bytes.length) {
        const length = frameLength(bytes, at);
        const end = at + frameHead + length;
        if (length >= 0 && end > bytes.length) {
          if (read > 0) break;
          cutOff = damagedAt < 0;
        } else if (length >= 0 && readFrame(bytes.subarray(at, end), names, see)) {
          frames++;
          if (damagedAt >= 0)
            defects.push(`${historyFile} is damaged at byte ${damagedAt}; ${offset + at - damagedAt} bytes were left out`);
          damagedAt = -1;
          at = end;
          continue;
        }
        if (damagedAt < 0) damagedAt = offset + at;
        // The next frame begins at the next mark, of which the first bytes may be here already.
        const next = bytes.indexOf('SQH1', at + 1, 'latin1');
        at = next >= 0 ? next : read > 0 ? Math.max(at + 1, bytes.length - 3) : bytes.length;
      }
      if (read === 0) {
        if (at < bytes.length && damagedAt < 0) {
          cutOff = true;
          damagedAt = offset + at;
        }
        offset += bytes.length;
        break;
      }
      offset += at;
      kept = bytes.length - at;
      buffer.copyWithin(0, at, bytes.length);
    }
    if (damagedAt >= 0) {
      const what = frames === 0 ? 'holds no whole frame' : cutOff ? 'ends in the middle of a frame' : 'is damaged';
      const hint = frames === 0 ? '; it was cut off at once, or is a file of another kind' : '';
      defects.push(`${historyFile} ${what}; ${offset - damagedAt} bytes at ${damagedAt} were left out${hint}`);
    }
  } finally {
    closeSync(descriptor);
  }
  return { names, defects };
}

/** How long the body is of the frame that begins here, or -1 where none begins. */
function frameLength(bytes: Buffer, at: number): number {
  if (bytes.readUInt32LE(at) !== magic || crc32(bytes.subarray(at, at + 12)) !== bytes.readUInt32LE(at + 12)) return -1;
  return bytes.readUInt32LE(at + 4);
}

/** Whether the frame was whole and has been read to its end. */
function readFrame(frame: Buffer, names: NameTable, see: (row: Row, names: Names) => void): boolean {
  const body = frame.subarray(frameHead);
  return crc32(body) === frame.readUInt32LE(8) && readBody(body, names, see);
}

/** Whether the body was read to its end. Its checksum was right, so only a later format can be unreadable. */
function readBody(body: Buffer, names: NameTable, see: (row: Row, names: Names) => void): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let values = 0;
  const row: Row = { ...emptyRow, valueAt: (index) => view.getInt32(values + 4 * index, true) };
  let at = 0;
  while (at < body.length) {
    if (body[at] === 1 && at + nameBytes <= body.length) {
      const text = at + nameBytes;
      const length = view.getUint16(at + 2, true);
      const table = tables[body[at + 1] as number];
      if (!table || text + length > body.length) return false;
      names.set(table, view.getUint32(at + 4, true), body.toString('utf8', text, text + length), view.getUint16(at + 8, true));
      at = text + length;
    } else if (body[at] === 2 && at + operationBytes <= body.length) {
      const marks = body[at + 2] as number;
      row.verb = verbs[body[at + 1] as number] as Verb;
      row.outcome = outcomes[marks & 3] as Outcome;
      row.final = (marks & 4) !== 0;
      row.replica = (marks & 8) !== 0;
      row.id = view.getUint32(at + 4, true);
      row.client = view.getUint16(at + 8, true);
      const node = view.getUint16(at + 10, true);
      row.node = node === none ? -1 : node;
      const reason = view.getUint16(at + 12, true);
      row.reason = reason === none ? -1 : reason;
      row.key = view.getUint32(at + 16, true);
      row.value = view.getInt32(at + 20, true);
      row.lateMs = view.getFloat32(at + 24, true);
      row.sentAtMs = view.getFloat64(at + 28, true);
      row.doneAtMs = view.getFloat64(at + 36, true);
      row.count = view.getUint32(at + 44, true);
      values = at + operationBytes;
      at = values + 4 * row.count;
      if (row.verb === undefined || row.outcome === undefined || at > body.length) return false;
      see(row, names);
    } else return false;
  }
  return true;
}

const emptyRow: Omit<Row, 'valueAt'> = {
  id: 0,
  client: 0,
  verb: 'get',
  outcome: 'ok',
  final: false,
  replica: false,
  key: 0,
  node: -1,
  reason: -1,
  value: nothing,
  lateMs: 0,
  sentAtMs: 0,
  doneAtMs: 0,
  count: 0,
};

/** A row as an object of its own. */
export function operationOf(row: Row, names: Names): Operation {
  return {
    id: row.id,
    client: row.client,
    verb: row.verb,
    key: names.key(row.key),
    slot: names.slot(row.key),
    node: names.node(row.node),
    dueAtMs: row.sentAtMs - row.lateMs,
    sentAtMs: row.sentAtMs,
    doneAtMs: row.doneAtMs,
    outcome: row.outcome,
    reason: names.reason(row.reason),
    value: row.value,
    values: Array.from({ length: row.count }, (_, index) => row.valueAt(index)),
    final: row.final,
    replica: row.replica,
  };
}
