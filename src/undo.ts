import { poll } from './base/poll.ts';
import { marked, resultsIn } from './driver/container/shell.ts';
import type { Command, CommandResult, Hosts } from './driver.ts';
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
      const { undo, residue } = await undoAndLook(hosts, action);
      const clean = residue.exitCode === 0 && residue.output === '';
      onLook?.({ undo, residue, clean });
      if (!clean)
        throw new Error(`${residue.output || `the read-back ended with ${residue.exitCode}`} (undo: exit ${undo.exitCode} ${undo.output})`);
    },
    { withinMs, everyMs: 100 },
  );
}

/**
 * The step and the look after it. Where each would have a container of its own, which takes longer than all that it does,
 * they share one: two processes still, the second of which starts when the first has ended.
 */
async function undoAndLook(
  hosts: Pick<Hosts, 'perform'>,
  { undo, residue }: Pick<Action, 'undo' | 'residue'>,
): Promise<Pick<Look, 'undo' | 'residue'>> {
  const both = inOneContainer(undo, residue);
  if (!both) return { undo: await hosts.perform(undo), residue: await hosts.perform(residue) };
  const result = await hosts.perform(both);
  const [first, second] = resultsIn(result.output);
  // Without marks it was not run: the condition was not met, or there was no container.
  return first && second && result.exitCode === 0 ? { undo: first, residue: second } : { undo: result, residue: result };
}

/** One command for two that run in containers made for them, under the same condition; undefined where they are not such. */
export function inOneContainer(undo: Command, residue: Command): Command | undefined {
  if (undo.node !== residue.node) return undefined;
  if (undo.run === 'surgeon' && residue.run === 'surgeon') return { ...undo, script: `${marked(undo.script)}; ${marked(residue.script)}` };
  if (undo.run !== 'if' || residue.run !== 'if' || JSON.stringify(undo.condition) !== JSON.stringify(residue.condition)) return undefined;
  const deed = inOneContainer(undo.deed, residue.deed);
  return deed && { ...undo, deed };
}
