import { formatMs } from '../base/duration.ts';

/** A duration in which parts of a millisecond matter. */
export const fine = (ms: number): string => (ms < 10 ? `${ms.toFixed(ms < 1 ? 2 : 1)} ms` : formatMs(ms));

/** A moment of the run to the millisecond, where several lie close together. */
export const moment = (ms: number): string => `${(ms / 1_000).toFixed(3)} s`;
