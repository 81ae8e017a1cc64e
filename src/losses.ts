import { readFileSync } from 'node:fs';

/** One measured run of an experiment about losses, a line of experiments/losses.json. */
export interface LossRun {
  /** As `--engine` names it, and the version that it turned out to be. */
  readonly engine: string;
  readonly version: string;
  readonly experiment: string;
  readonly variant: string;
  readonly seed: number;
  readonly verdict: string;
  readonly acknowledged: number;
  readonly lost: number;
  /** Lost outside every window that the engine documents. */
  readonly outside: number;
  /** From the first acknowledgement that was void to the last, at one node. */
  readonly windowMs: number;
  /** How long two nodes acknowledged writes for the same slots in turn. */
  readonly splitBrainMs: number;
}

export const lossesFile = new URL('../experiments/losses.json', import.meta.url);
export const lossRuns = (): LossRun[] => JSON.parse(readFileSync(lossesFile, 'utf8')) as LossRun[];

/** One measured run with one client under test, a line of experiments/clients.json. */
export interface ClientRun {
  readonly engine: string;
  readonly experiment: string;
  readonly client: string;
  readonly seed: number;
  readonly verdict: string;
  /** From the fault to the first error; null where there was none. */
  readonly firstErrorMs: number | null;
  /** From the heal to the last error. */
  readonly lastErrorMs: number | null;
  /** The longest stall of the shard that was hurt, and of the worst of the others. */
  readonly hurtShardMs: number;
  readonly otherShardsMs: number;
  /** Operations that failed or are unknown, of how many. */
  readonly errors: number;
  readonly operations: number;
  readonly neverAnswered: number;
  readonly stuck: number;
  readonly lost: number;
}

export const clientsFile = new URL('../experiments/clients.json', import.meta.url);
export const clientRuns = (): ClientRun[] => JSON.parse(readFileSync(clientsFile, 'utf8')) as ClientRun[];

/** The median, and the least and the greatest where they differ. */
export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least = 0, middle = 0, most = 0] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  return least === most ? `${middle}` : `${middle} (${least}–${most})`;
}
