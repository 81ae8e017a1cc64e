import { Worker } from 'node:worker_threads';

/** How often the main thread says that it is there, and the watchdog looks. */
const beatMs = 250;

/** In a thread of its own, which counts its own looks: a machine or a process that was stopped as a whole has not missed any. */
const program = `
const { workerData: { beats, looks, beatMs, pid, sentence } } = require('node:worker_threads');
for (let seen = -1, missed = 0; missed < looks; ) {
  Atomics.wait(beats, 1, 0, beatMs);
  if (Atomics.load(beats, 1) !== 0) return;
  const now = Atomics.load(beats, 0);
  missed = now === seen ? missed + 1 : 0;
  seen = now;
}
require('node:fs').writeSync(2, sentence + '\\n');
process.kill(pid, 'SIGKILL');
`;

/**
 * Ends this process by SIGKILL when its main thread has not given way for so long: nothing else can end a busy loop, no signal
 * and no timer reaches it. What it held is healed by the guard, which is another process.
 */
export function watchMainThread(withinMs: number, sentence: string): Disposable {
  const beats = new Int32Array(new SharedArrayBuffer(8));
  const beat = setInterval(() => void Atomics.add(beats, 0, 1), beatMs);
  beat.unref();
  const workerData = { beats, looks: Math.ceil(withinMs / beatMs), beatMs, pid: process.pid, sentence };
  const worker = new Worker(`(() => {${program}})()`, { eval: true, workerData });
  worker.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(beat);
      Atomics.store(beats, 1, 1);
      Atomics.notify(beats, 1);
    },
  };
}
