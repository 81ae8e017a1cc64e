import type { Command } from '../../src/driver.ts';
import type { Action } from '../../src/fault.ts';

/** Commands that change something; the engine's client is counted too, by the name it has there. */
const changing = 'cp dd fallocate ip iptables iptables-restore kill ln mkdir mv python3 rm rmdir setsid tc truncate'.split(' ');
/** What the shell writes into files: a file is there, and empty, before the command that fills it. */
const writing = ['cat', 'date', 'echo', 'printf', ':'];
/** Scripts in an engine go through keys, slots or answers, one like the other. */
export const most = { toolbox: 24, files: 24, engine: 9 };

export type ScriptCommand = Extract<Command, { run: keyof typeof most }>;

/** The scripts that a command consists of. Conditions only look, and what has a container of its own is one command. */
export function scriptsIn(command: Command): ScriptCommand[] {
  if ('commands' in command) return command.commands.flatMap(scriptsIn);
  if (command.run === 'if') return scriptsIn(command.deed);
  return command.run in most ? [command as ScriptCommand] : [];
}

export const writesFiles = ({ script }: Pick<ScriptCommand, 'script'>): boolean =>
  /(^|[^0-9&<])>+ *["$/]/m.test(script.replaceAll(/>+ *\/dev\/null/g, ''));

const counted = (script: Pick<ScriptCommand, 'script'>): string[] => [...changing, ...(writesFiles(script) ? writing : [])];

/** How many commands to be counted its text has, wherever a command may stand. */
export function commandsIn(script: Pick<ScriptCommand, 'script'>): number {
  const command = new RegExp(
    String.raw`(?:^|[;&|({!]|\b(?:do|then|else)\b)\s*(?:[A-Z_]+=\S+\s+)*(?:\$CLI|${counted(script).join('|')})(?=\s|$)`,
    'gm',
  );
  return script.script.match(command)?.length ?? 0;
}

/** It may be carried out in part: it has more than one such command, or one again and again. */
export const divisible = (script: Pick<ScriptCommand, 'script'>): boolean =>
  commandsIn(script) > (/\bdo\b|\w\(\) *\{/.test(script.script) ? 0 : 1);

/** Whether there is anything between two commands where a fault could be left. */
export const leavesHalves = (actions: readonly Action[]): boolean =>
  actions.some((action) => [action.do, action.undo].flatMap(scriptsIn).some(divisible));

/** How far a script came. Every container has such a folder; each kind of script has a user of its own, and so a file. */
const counterOf = ({ run }: Pick<ScriptCommand, 'run'>): string => `/dev/shm/commands-${run}`;

/** The command with this script in it as it runs until it has carried out so many of its commands. */
export function cutOff(command: Command, script: ScriptCommand, after: number): Command {
  if ('commands' in command) return { ...command, commands: command.commands.map((one) => cutOff(one, script, after)) };
  if (command.run === 'if') return { ...command, deed: cutOff(command.deed, script, after) };
  if (command !== script) return command;
  const counter = counterOf(script);
  return {
    ...script,
    // Subshells share a file, not a variable. Aliases also reach the functions of the script, and names with a hyphen.
    script: `rm -f ${counter} || exit 1
trap 'so_far=0; [ ! -e ${counter} ] || read -r so_far <${counter}; command echo "carried out $so_far commands"' EXIT
next() {
  so_far=0
  [ ! -e ${counter} ] || read -r so_far <${counter}
  [ "$so_far" -lt ${after} ] || command kill -9 -$$
  command echo $((so_far + 1)) >${counter}
}
step() { next; "$@"; }
${counted(script)
  .map((name) => `alias ${name}='step ${name}'`)
  .join('\n')}
[ -z "$CLI" ] || CLI="step $CLI"
${script.script}`,
  };
}

/** What it has told at its end; nothing where it was not begun, because its condition did not hold. */
export const carriedOutIn = (output: string): number => Number(/carried out (\d+) commands/.exec(output)?.[1] ?? 0);
