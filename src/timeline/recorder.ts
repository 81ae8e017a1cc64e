import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf, SlotquakeError } from '../base/errors.ts';
import type { Happening, TimelineEvent } from '../timeline.ts';

/** What a person is told when a file of the record cannot be written. */
export const unwritable = (file: string, error: unknown): SlotquakeError =>
  new SlotquakeError(`the record ${file} cannot be written (${messageOf(error)}); make room or choose another folder with --results`, {
    cause: error,
  });

/**
 * Writes timeline.jsonl while things happen: each event is in the file before `record` returns, so that a killed run
 * leaves everything up to that moment. When the file cannot be written any more, `onUnwritable` is told once and events
 * are kept in memory only: whoever records, healing above all, must not be stopped by a full disk.
 */
export class Recorder implements Disposable {
  readonly events: TimelineEvent[] = [];
  /** Epoch ms of atMs = 0. */
  readonly epochMs = Date.now();
  readonly #origin = performance.now();
  readonly #file: string;
  readonly #descriptor: number;
  readonly #listener: ((event: TimelineEvent) => void) | undefined;

  readonly #onUnwritable: (error: SlotquakeError) => void;
  #broken = false;

  constructor(folder: string, listener: ((event: TimelineEvent) => void) | undefined, onUnwritable: (error: SlotquakeError) => void) {
    this.#file = path.join(folder, 'timeline.jsonl');
    this.#descriptor = openSync(this.#file, 'wx');
    this.#listener = listener;
    this.#onUnwritable = onUnwritable;
  }

  /** The run's clock: monotonic, from the creation of the recorder. */
  nowMs(): number {
    return Math.round((performance.now() - this.#origin) * 100) / 100;
  }

  /** The same clock without rounding, for those who compare moments. */
  preciseMs(): number {
    return performance.now() - this.#origin;
  }

  record(happening: Happening): TimelineEvent {
    const event = { seq: this.events.length, atMs: this.nowMs(), ...happening } as TimelineEvent;
    this.events.push(event);
    if (!this.#broken) {
      try {
        // Unlike writeSync it goes on after a short write, and so finds out that the disk is full.
        writeFileSync(this.#descriptor, `${JSON.stringify(event)}\n`);
      } catch (error) {
        this.#broken = true;
        this.#onUnwritable(unwritable(this.#file, error));
      }
    }
    this.#listener?.(event);
    return event;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
