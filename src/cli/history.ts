import { existsSync, writeSync } from 'node:fs';
import { parseDuration } from '../base/duration.ts';
import { type ExitCode, exitCode, messageOf, SlotquakeError, UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { exportHistory, type Format } from '../timeline/export.ts';
import type { Outcome } from '../timeline/history.ts';

export interface HistoryFlags {
  readonly as: Format;
  readonly key?: string;
  readonly client?: number;
  readonly node?: string;
  readonly outcome?: Outcome;
  readonly from?: string;
  readonly to?: string;
}

/** Prints what clients did, one operation after the other, as it is read. What is not whole in the history is said. */
export function history(folder: string, { as, from, to, ...flags }: HistoryFlags): ExitCode {
  if (!existsSync(folder)) throw new UsageError(`expected a folder below results/, but ${folder} does not exist`);
  const selection = {
    ...flags,
    fromMs: from === undefined ? undefined : parseDuration(from, 'a time since the start of the run'),
    toMs: to === undefined ? undefined : parseDuration(to, 'a time since the start of the run'),
  };
  const out = new Output();
  try {
    const { selected, defects, keys, nodes, clients } = exportHistory(folder, as, selection, (text) => out.write(text));
    out.flush();
    for (const defect of defects.slice(0, 10)) console.error(`slotquake: ${defect}`);
    if (defects.length > 10) console.error(`slotquake: ${defects.length - 10} more defects of the history are not shown`);
    const code = defects.length > 0 ? exitCode.inconclusive : exitCode.asExpected;
    if (selected > 0) return code;
    const { key, node, client } = flags;
    if (key !== undefined && !keys.includes(key))
      throw new UsageError(`expected a key that the history knows, got ${key}${didYouMean(key, keys.slice(0, 1_000))}`);
    if (node !== undefined && !nodes.includes(node))
      throw new UsageError(`expected a node that the history knows (${nodes.join(', ')}), got ${node}${didYouMean(node, nodes)}`);
    if (client !== undefined && !clients.includes(client))
      throw new UsageError(`expected a client that the history knows (${clients[0]} to ${clients.at(-1)}), got ${client}`);
    console.error('slotquake: no operation of the history is like that');
    return code;
  } catch (error) {
    if (error !== enough) throw error;
    return exitCode.asExpected;
  }
}

/** Whoever reads what we print has seen enough, as `head` does. */
const enough = new Error('nobody reads on');
const pieceBytes = 1 << 16;

/** Standard output written at once and in large pieces: a history is longer than what one wants to wait in memory. */
class Output {
  #text = '';

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= pieceBytes) this.flush();
  }

  flush(): void {
    let bytes = Buffer.from(this.#text);
    this.#text = '';
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(1, bytes));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EPIPE') throw enough;
        if (code !== 'EAGAIN') throw new SlotquakeError(`the history cannot be printed (${messageOf(error)})`, { cause: error });
        // The other end of a pipe that does not wait for us is full.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    }
  }
}
