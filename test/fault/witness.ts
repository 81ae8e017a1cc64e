import type { Command, CommandResult, HostState } from '../../src/driver.ts';
import type { Witness } from '../../src/fault.ts';
import { healthyState } from '../paper.ts';

/** A witness that has seen what it is told to have seen; the fault began at 1 s and took hold at 2 s. */
export const witness = ({
  state = {},
  silentMs = 0,
  read = () => ({ exitCode: 0, output: '' }),
}: {
  readonly state?: Partial<HostState>;
  readonly silentMs?: number;
  readonly read?: (command: Command) => CommandResult;
}): Witness => ({
  read: (command) => Promise.resolve(read(command)),
  state: () => Promise.resolve({ ...healthyState, ...state }),
  views: () => new Map(),
  silentMs: () => silentMs,
  fromEpochMs: 1_000,
  sinceEpochMs: 2_000,
});
