import type { Driver, Leftover } from '../src/driver.ts';

/** Ends the id of each run that this process makes. */
const suffixOf = (pid: number | undefined): string => (pid ?? 0).toString(36).slice(-3);

/** A name for a cluster of a test, which no other file of tests gives one, also not at the same moment. */
export const newRunId = (word: string): string => `${word}${Date.now().toString(36).slice(-5)}${suffixOf(process.pid)}`;

export const isRunOf = (pid: number | undefined, runId: string): boolean => runId.endsWith(suffixOf(pid));

/** What the runs of a process that is gone have left; others use this machine as well. */
export const leftBy = async (driver: Driver, pid: number | undefined): Promise<Leftover[]> =>
  (await driver.leftovers()).filter(({ runId, inUse, kept }) => !inUse && !kept && isRunOf(pid, runId));
