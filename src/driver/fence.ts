import { poll } from '../base/poll.ts';
import { together } from '../base/together.ts';
import type { Command } from '../driver.ts';
import type { Primitives, Script } from './interpreter.ts';

/** Stands in the command line of each shell that a process of ours has opened, so that another can tell whose it is. */
export const shellMark = (pid: number): string => `slotquake-${pid}`;

/** Ends the shells of a process that is gone, with what they run in the foreground. What was started apart lives on. */
export const endShellsOf = (pid: number): string =>
  `for process in /proc/[0-9]*; do case "$(tr '\\0' ' ' <$process/cmdline 2>/dev/null)" in "sh -s ${shellMark(pid)} ") kill -9 -\${process#/proc/};; esac; done 2>/dev/null; true`;

/** How long it may be tried to end the shells of a dead runner. */
const fenceWithinMs = 10_000;

/** Where scripts run. Each kind of place is of a user, who can end the shells there and no others. */
export type ShellPlace = Pick<Script, 'run' | 'node'>;

/** Where the scripts of these run, those inside others included: each place once. */
export function placesOf(commands: readonly Command[]): ShellPlace[] {
  const places = commands.flatMap(scriptsIn).map(({ run, node }) => [`${run} ${node}`, { run, node }] as const);
  return [...new Map(places).values()];
}

function scriptsIn(command: Command): Script[] {
  switch (command.run) {
    case 'toolbox':
    case 'files':
    case 'engine':
      return [command];
    case 'sequence':
    case 'together':
      return command.commands.flatMap(scriptsIn);
    case 'if':
      return [command.condition, command.deed].flatMap(scriptsIn);
    default:
      return [];
  }
}

/** Ends the shells that the process, now dead, has left where these run. */
export async function endShells(
  pid: number,
  commands: readonly Command[],
  primitives: Pick<Primitives, 'script' | 'status'>,
): Promise<void> {
  const { script, status } = primitives;
  await together(placesOf(commands), ({ run, node }) =>
    // A shell can end under our hands, with its engine or for want of memory.
    poll(
      `the ${run} shells of process ${pid} at ${node} to end`,
      async () => {
        // An engine that does not run has no shells, and a paused one cannot be entered: its shells land late, if ever.
        if (run === 'engine' && (await status(node)) !== 'running') return;
        // In the shell in which the undo comes next, for to open one takes longer than all that it is asked.
        const { exitCode, output } = await script({ run, node, script: endShellsOf(pid) });
        if (exitCode !== 0) throw new Error(output);
      },
      { withinMs: fenceWithinMs },
    ),
  );
}
