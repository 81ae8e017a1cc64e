const everyMs = 50;
/** Shorter ones are part of any machine's life, and no limit of an experiment is as short. */
const noticedFromMs = 250;

/**
 * Tells when this process stood still, as it ends: the machine had too much else to do, or it was stopped. What it did not
 * send or see meanwhile says nothing of the cluster. It does not tell whether the engines stood still as well, which share the machine.
 */
export function watchStalls(nowMs: () => number, onStall: (forMs: number) => void): Disposable {
  let lastMs = nowMs();
  const timer = setInterval(() => {
    const roundMs = nowMs();
    const lateMs = roundMs - lastMs - everyMs;
    lastMs = roundMs;
    if (lateMs >= noticedFromMs) onStall(Math.round(lateMs));
  }, everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
