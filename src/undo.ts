import { poll } from './base/poll.ts';
import type { CommandResult, Hosts } from './driver.ts';
import type { Action } from './fault.ts';

/** How long an undo and its read-back may be tried before they count as failed, unless the action says more. */
export const healWithinMs = 5_000;

export interface Look {
  readonly undo: CommandResult;
  readonly residue: CommandResult;
  readonly clean: boolean;
}

/**
 * Takes one step back and reads back that nothing of it is left, again and again until the time is up: the one way in
 * which a runner, a guard and another terminal undo. Throws what was left.
 */
export async function takeBack(
  hosts: Pick<Hosts, 'perform'>,
  action: Pick<Action, 'undo' | 'residue' | 'healWithinMs'>,
  { withinMs = action.healWithinMs ?? healWithinMs, onLook }: { readonly withinMs?: number; readonly onLook?: (look: Look) => void } = {},
): Promise<void> {
  await poll(
    `the residue of a fault at ${action.undo.node} to be gone`,
    async () => {
      const undo = await hosts.perform(action.undo);
      const residue = await hosts.perform(action.residue);
      const clean = residue.exitCode === 0 && residue.output === '';
      onLook?.({ undo, residue, clean });
      if (!clean)
        throw new Error(`${residue.output || `the read-back ended with ${residue.exitCode}`} (undo: exit ${undo.exitCode} ${undo.output})`);
    },
    { withinMs, everyMs: 100 },
  );
}
