import { messageOf } from '../base/errors.ts';
import { together } from '../base/together.ts';
import type { Command, CommandResult, HostState } from '../driver.ts';

/** A script in a place that is there already. */
export type Script = Extract<Command, { run: 'toolbox' | 'files' | 'engine' }>;
/** What is made of other commands, or of the state of a node. */
type Composite = Extract<Command, { run: 'sequence' | 'together' | 'if' | 'alive' }>;
/** What the container engine itself does. */
export type Deed = Exclude<Command, Script | Composite>;

/** All that a driver must be able to do by itself: everything else that a command may be is made of these. */
export interface Primitives {
  script(command: Script): Promise<CommandResult>;
  deed(command: Deed): Promise<CommandResult>;
  status(node: string): Promise<HostState['status']>;
}

/** The exit code where a command could not be asked at all, so that no condition takes it for a no. */
const notAskedCode = 125;

/** The result of a command that could not be asked. */
export const notAsked = (error: unknown): CommandResult => ({ exitCode: notAskedCode, output: messageOf(error) });
/** Whether a command was carried out at all, whatever came of it. */
export const wasAsked = ({ exitCode }: Pick<CommandResult, 'exitCode'>): boolean => exitCode !== notAskedCode;

/** Carries a command out: what `Command` promises of those that are made of others. */
export async function interpret(command: Command, primitives: Primitives): Promise<CommandResult> {
  switch (command.run) {
    case 'toolbox':
    case 'files':
    case 'engine':
      return primitives.script(command);
    case 'if': {
      const condition = await interpret(command.condition, primitives);
      if (!wasAsked(condition)) return condition;
      return condition.exitCode === 0 ? interpret(command.deed, primitives) : { exitCode: 0, output: '' };
    }
    case 'alive': {
      const status = await primitives.status(command.node);
      return ['running', 'paused'].includes(status)
        ? { exitCode: 0, output: '' }
        : { exitCode: 1, output: `the engine of ${command.node} is ${status}` };
    }
    case 'sequence': {
      const results: CommandResult[] = [];
      for (const step of command.commands) {
        const result = await interpret(step, primitives);
        results.push(result);
        if (result.exitCode !== 0) break;
      }
      return joined(results);
    }
    case 'together':
      return joined(await together(command.commands, (step) => interpret(step, primitives)));
    default:
      return primitives.deed(command);
  }
}

/** Ends as the first that failed; prints what all of them print. */
const joined = (results: readonly CommandResult[]): CommandResult => ({
  exitCode: results.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
  output: results.flatMap(({ output }) => (output === '' ? [] : [output])).join('\n'),
});
