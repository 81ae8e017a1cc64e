import { cpus, loadavg, release } from 'node:os';

/** What a measurement was made on: only its ratios mean something elsewhere. */
export const machine = (): string =>
  `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}, kernel ${release()}, Node ${process.versions.node}, load ${(loadavg()[0] as number).toFixed(1)} at the start`;

export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] as number;
export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Whether a goal is met, for the end of a line. */
export const goal = (text: string, met: boolean): string => `goal ${text}: ${met ? 'met' : 'MISSED'}`;

export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US');
