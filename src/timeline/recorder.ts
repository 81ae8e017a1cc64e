import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { messageOf, SlotquakeError } from '../base/errors.ts';
import type { Happening, TimelineEvent } from '../timeline.ts';

/**
 * Writes timeline.jsonl while things happen: each event is in the file before `record` returns, so that a killed run
 * leaves everything up to that moment.
 */
export class Recorder implements Disposable {
  readonly events: TimelineEvent[] = [];
  /** Epoch ms of atMs = 0. */
  readonly epochMs = Date.now();
  readonly #origin = performance.now();
  readonly #file: string;
  readonly #descriptor: number;
  readonly #listener: ((event: TimelineEvent) => void) | undefined;

  constructor(folder: string, listener?: (event: TimelineEvent) => void) {
    this.#file = path.join(folder, 'timeline.jsonl');
    this.#descriptor = openSync(this.#file, 'wx');
    this.#listener = listener;
  }

  /** The run's clock: monotonic, from the creation of the recorder. */
  nowMs(): number {
    return Math.round((performance.now() - this.#origin) * 100) / 100;
  }

  record(happening: Happening): TimelineEvent {
    const event = { seq: this.events.length, atMs: this.nowMs(), ...happening } as TimelineEvent;
    this.events.push(event);
    try {
      writeSync(this.#descriptor, `${JSON.stringify(event)}\n`);
    } catch (error) {
      throw new SlotquakeError(`the record ${this.#file} cannot be written: ${messageOf(error)}; make room or choose another --results`, {
        cause: error,
      });
    }
    this.#listener?.(event);
    return event;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
