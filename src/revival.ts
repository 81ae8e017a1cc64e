import { unheldByOthers } from './exclusive.ts';
import type { Command } from './driver.ts';
import type { Action, Evidence, Witness } from './fault.ts';
import { bites, misses } from './fault.ts';

/** Reads back that the engine runs; a paused one is another fault's. */
export const running = (node: string): Command => ({ run: 'expect', node, state: { status: ['running', 'paused'] } });

/** Reads nothing back, for a step that leaves nothing of its own behind. */
export const nothing = (node: string): Command => ({ run: 'expect', node, state: {} });

/**
 * The engine runs at the end, whatever the fault has led to, unless another fault has it down on purpose. It comes early
 * among the actions of a node, so that it is undone late.
 */
export function revival(node: string, tag: string): Action {
  const free = unheldByOthers(node, tag, 'process');
  return {
    do: nothing(node),
    undo: { run: 'if', node, condition: free, deed: { run: 'start', node } },
    residue: { run: 'if', node, condition: free, deed: running(node) },
  };
}

/** For an undo inside the engine's container: where that does not run, nothing of ours can be left in it. */
export const whileAlive = (command: Command): Command => ({
  run: 'if',
  node: command.node,
  condition: { run: 'alive', node: command.node },
  deed: command,
});

/** What restores files under an engine: it is ended before they change, and started by the revival after that. */
export const endedForUndo = (node: string): Action => ({
  do: { run: 'start', node },
  undo: { run: 'kill', node, signal: 'SIGKILL' },
  residue: nothing(node),
});

/** Bites when the engine process is another one than before the fault, by the container engine's clock. */
export async function restartedEvidence({ state, fromEpochMs }: Witness, node: string): Promise<Evidence> {
  const { status, startedAtEpochMs } = await state(node);
  if (status !== 'running') return misses(`the engine of ${node} does not run: ${status}`);
  if (!(startedAtEpochMs > fromEpochMs))
    return misses(`the engine of ${node} still is the process of ${new Date(startedAtEpochMs).toISOString()}`);
  return bites(`${node}: its engine was started again at ${new Date(startedAtEpochMs).toISOString()}`);
}
