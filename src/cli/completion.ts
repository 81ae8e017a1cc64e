import type { Command } from 'commander';
import { UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { lists } from './list.ts';
import { experimentNames } from './load.ts';

const shells = ['bash', 'zsh', 'fish'];

/** A completion script made from the commands themselves, so that it never lags behind them. */
export function completion(shell: string, program: Command): string {
  const words = (command: Command): string[] => [
    ...command.commands.map((sub) => sub.name()),
    ...command.options.flatMap(({ long }) => long ?? []),
    '--help',
  ];
  const argumentsOf: Readonly<Record<string, () => readonly string[]>> = {
    run: experimentNames,
    list: () => lists,
    completion: () => shells,
  };
  const commands = program.commands.map((command) => ({
    name: command.name(),
    words: [...words(command), ...(argumentsOf[command.name()]?.() ?? [])],
  }));
  const names = commands.map(({ name }) => name).join(' ');
  const cases = commands.map((command) => `      ${command.name}) words="${command.words.join(' ')}" ;;`).join('\n');
  switch (shell) {
    case 'bash':
    case 'zsh':
      return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_slotquake() {
  local words="${names}"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _slotquake slotquake`;
    case 'fish':
      return [
        `complete -c slotquake -n __fish_use_subcommand -a "${names}"`,
        ...commands.map(
          (command) => `complete -c slotquake -n "__fish_seen_subcommand_from ${command.name}" -a "${command.words.join(' ')}"`,
        ),
      ].join('\n');
    default:
      throw new UsageError(`expected bash, zsh or fish, got ${shell}${didYouMean(shell, shells)}`);
  }
}
