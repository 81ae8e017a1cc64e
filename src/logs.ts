import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { logKind } from './cluster/log-kind.ts';
import type { LogLine } from './driver.ts';
import { type Recorder, unwritable } from './timeline/recorder.ts';
import type { LogKind } from './timeline.ts';

/**
 * So many lines of one meaning are recorded of a node within a second. A replica whose login is refused logs thousands
 * (Redis 7.0 connects again at once); the first few tell the story, and the file has them all.
 */
const recordedPerSecond = 20;

/**
 * The engines' logs as they come: whole in logs/, written once a turn of the event loop, and in the timeline what has a
 * meaning.
 */
export class EngineLogs {
  readonly #folder: string;
  readonly #recorder: Recorder;
  readonly #fail: (error: unknown) => void;
  readonly #unwritten = new Map<string, string>();
  readonly #seconds = new Map<string, { second: number; count: number }>();
  #writing: NodeJS.Immediate | undefined;

  constructor(folder: string, recorder: Recorder, fail: (error: unknown) => void) {
    this.#folder = folder;
    this.#recorder = recorder;
    this.#fail = fail;
  }

  take({ node, epochMs, text }: LogLine): void {
    this.#unwritten.set(node, `${this.#unwritten.get(node) ?? ''}${text}\n`);
    this.#writing ??= setImmediate(() => this.flush());
    const kind = logKind(text);
    if (!kind) return;
    const loggedAtMs = Math.round(epochMs - this.#recorder.epochMs);
    if (this.#hasRoom(node, kind, Math.floor(loggedAtMs / 1_000)))
      this.#recorder.record({ type: 'log-line', node, loggedAtMs, kind, text });
  }

  #hasRoom(node: string, kind: LogKind, second: number): boolean {
    const key = `${node} ${kind}`;
    const last = this.#seconds.get(key);
    if (last?.second === second) return ++last.count <= recordedPerSecond;
    if (last && last.count > recordedPerSecond)
      this.#recorder.record({
        type: 'noted',
        text: `${node} logged ${kind} ${last.count - recordedPerSecond} times more within that second; logs/${node}.log has them all`,
      });
    this.#seconds.set(key, { second, count: 1 });
    return true;
  }

  /** Writes what has come so far. */
  flush(): void {
    clearImmediate(this.#writing);
    this.#writing = undefined;
    for (const [node, text] of this.#unwritten) {
      const file = path.join(this.#folder, `${node}.log`);
      try {
        appendFileSync(file, text);
      } catch (error) {
        this.#fail(unwritable(file, error));
      }
    }
    this.#unwritten.clear();
  }
}
