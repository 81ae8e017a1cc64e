import { Command, CommanderError, Help, InvalidArgumentError, Option } from 'commander';
import { AbortedError, exitCode, messageOf, SlotquakeError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { codeOfError } from './exit-code.ts';
import { version } from '../version.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) console.error('slotquake: still healing and cleaning up');
    stop.abort(new AbortedError(`stopped by ${name}; everything was healed`));
  });
}
// Started by `audit` or the like: when that process is gone, nobody waits for this one.
if (process.connected)
  process.once('disconnect', () => stop.abort(new AbortedError('whoever started this run is gone; everything was healed')));

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

function positive(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('Expected at least 1.');
  return value;
}

const commaSeparated = (text: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  ...text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
];
const engineOption = (): Option =>
  new Option('--engine <engine>', 'redis:6.0, redis:7.0, redis:8.0, valkey:8.1, valkey:9.1, or any image').default('redis:7.0');
const reachOption = (): Option =>
  new Option('--reach <how>', 'reach the nodes by their own address, or by published ports')
    .choices(['auto', 'address', 'ports'])
    .default('auto');
const subnetOption = (): Option => new Option('--subnet <cidr>', 'use this IPv4 network instead of a free one');

const examples = (...lines: readonly string[]): string =>
  `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map((line) => `  slotquake ${line}`).join('\n')}`;

const program = new Command('slotquake')
  .description('Chaos drills for Redis Cluster and Valkey Cluster on real containers.')
  .version(version)
  .option('--verbose', "show the harness's own log")
  .exitOverride()
  .configureOutput({
    // One sentence on one line, the suggestion of commander included.
    outputError: (text, write) => write(text.replace(/^error: /, 'slotquake: ').replace(/\n\(Did you mean /, ' (did you mean ')),
  })
  .configureHelp({ optionDescription: (option) => new Help().optionDescription(option).replace(' (default: false)', '') })
  .hook('preAction', () => {
    if (program.opts<{ verbose?: boolean }>().verbose) log.level = 'debug';
  })
  .addHelpText(
    'after',
    `
Examples:
  slotquake run bus-port-blocked                 both variants, wounded and cured
  slotquake run ./my-drill.ts --engine valkey:9.1 --seed 42
  slotquake run bus-port-blocked --variant cured --times 10 --quiet
  slotquake check results/bus-port-blocked/cured/latest

Exit codes: 0 as expected, 1 not as expected, 2 inconclusive, 3 the harness failed, 64 bad usage, 130 aborted.`,
  );

program
  .command('run')
  .description('run experiments: files, or names from `slotquake list`')
  .argument('[experiments...]', 'default: bus-port-blocked')
  .addOption(engineOption())
  .option('--driver <driver>', 'where nodes come from', 'docker')
  .option('--variant <name>', 'only this variant')
  .option('--seed <number>', 'repeat the choices of an earlier run', wholeNumber)
  .option('--times <number>', 'run everything this often', positive, 1)
  .option('--keep', 'leave the (healed) cluster up', false)
  .option('--results <folder>', 'where records go', 'results')
  .option('--json', 'print one JSON object a run', false)
  .option('--quiet', 'print one line a run', false)
  .addOption(reachOption())
  .addOption(subnetOption())
  .option('--memory <MB>', 'memory limit of each node', positive)
  .addOption(
    new Option('--client <client>', "the client under test, instead of the experiment's").choices([
      'bare',
      'ioredis',
      'iovalkey',
      'node-redis',
    ]),
  )
  .option('--config <file>', "lay these settings over the variant's, as JSON; everything must hold with them")
  .option('--timeout <duration>', "how long the experiment's code may take, instead of what it says itself (30m)")
  .addOption(new Option('--in-turn', 'wait with the formed cluster for the word of the process that started this').hideHelp())
  .addHelpText(
    'after',
    examples(
      'run bus-port-blocked                 both variants, wounded and cured',
      'run ./my-drill.ts --engine valkey:9.1 --seed 42',
      'run bus-port-blocked --variant cured --times 10 --quiet',
    ),
  )
  .action(async (names: string[], flags) => {
    const { run } = await import('./run.ts');
    process.exitCode = await run(names, flags, stop.signal);
  });
program
  .command('audit')
  .description('would it hit me: the failures of the catalogue with your own settings laid over them')
  .requiredOption('--redis-conf <file>', 'your redis.conf, or what CONFIG GET * answered, as text or as JSON')
  .option('--only <experiments>', 'only these, by name or by file, with commas', commaSeparated)
  .addOption(
    new Option('--accept <experiments>', 'exposed to these is no failure of this command').argParser(commaSeparated).default([], 'none'),
  )
  .addOption(engineOption())
  .option('--remedies', 'try what helps as well: each exposed one again, with the lines of its remedy on top', false)
  .option('--jobs <number>', 'how many runs at a time; default: as many as there are processors, as memory allows', positive)
  .option('--results <folder>', 'where records go', 'results')
  .option('--json [file]', 'print JSON, or write it to a file')
  .option('--markdown [file]', 'print Markdown, or write it to a file')
  .option('--junit [file]', 'print JUnit XML, or write it to a file')
  .addHelpText(
    'after',
    `${examples(
      'audit --redis-conf /etc/redis/redis.conf',
      'audit --redis-conf ./redis.conf --engine valkey:8.1 --only endless-full-resync,split-brain-writes',
      'audit --redis-conf dump.txt --accept killed-primary --junit audit.xml',
    )}

Exit codes: 1 exposed to something that is not accepted, 2 something inconclusive, 0 otherwise.`,
  )
  .action(async (flags) => {
    process.exitCode = await (await import('./audit.ts')).audit(flags, stop.signal);
  });
program
  .command('catalogue')
  .description('run all experiments, or some, in all their variants, several at a time')
  .argument('[experiments...]', 'names from `slotquake list`, such as killed-primary or killed-primary/cured; default: all')
  .addOption(
    new Option(
      '--engine <engines>',
      'redis:6.0, redis:7.0, redis:8.0, valkey:8.1, valkey:9.1, or any image; several with commas; default: redis:7.0',
    ).argParser(commaSeparated),
  )
  .option('--times <number>', 'run everything this often', positive, 1)
  .option('--variant <names>', "only these variants, such as 'wounded,cured'", commaSeparated)
  .option('--jobs <number>', 'how many at a time; default: as many as there are processors, as memory allows', positive)
  .option('--seed <number>', 'repeat the choices of an earlier run', wholeNumber)
  .option('--results <folder>', 'where records go', 'results')
  .option('--again', 'run once more, alone, what was not as expected; both are told, the second counts', false)
  .option('--json', 'print one JSON object a run', false)
  .option('--record', 'write what was measured to experiments/measured.json, for `npm run docs`', false)
  .addHelpText('after', examples('catalogue', 'catalogue killed-primary quorum-lost --engine redis:7.0,valkey:9.1 --times 3'))
  .action(async (names: string[], flags) => {
    process.exitCode = await (await import('./catalogue.ts')).catalogue(names, flags, stop.signal);
  });
program
  .command('list')
  .description('list the experiments that come with Slotquake, tell all of one, or list the faults or the workloads')
  .argument('[what]', 'experiments, the name of one, faults or workloads', 'experiments')
  .addHelpText('after', examples('list', 'list killed-primary', 'list faults', 'list workloads'))
  .action(async (what: string) => (await import('./list.ts')).list(what));
program
  .command('up')
  .description('bring up a healthy cluster to play with')
  .addOption(engineOption())
  .addOption(reachOption())
  .addOption(subnetOption())
  .addHelpText('after', examples('up', 'up --engine valkey:8.1 --reach ports'))
  .action(async (flags) => (await import('./up.ts')).up(flags, stop.signal));
program
  .command('down')
  .description('remove a cluster of `up` or `run --keep`')
  .argument('[run]')
  .addHelpText('after', examples('down                the only one there is', 'down upmp2v3k9x     as `slotquake up` named it'))
  .action(async (runId?: string) => (await import('./down.ts')).down(runId));
program
  .command('faults')
  .description('what is in force by hand, since when, and what shows it')
  .option('--run <id>', 'only this cluster')
  .option('--json', 'print JSON', false)
  .addHelpText('after', examples('faults'))
  .action(async ({ run, json }: { run?: string; json: boolean }) => (await import('./hand.ts')).faults(run, json));
program
  .command('heal')
  .description('end a fault that was injected by hand')
  .argument('<id>', 'as `slotquake faults` shows it, or all')
  .option('--run <id>', 'only this cluster')
  .addHelpText('after', examples('heal 1', 'heal all'))
  .action(async (id: string, { run }: { run?: string }) => (await import('./hand.ts')).heal(id, run));
program
  .command('doctor')
  .description('report each prerequisite with its remedy')
  .option('--json', 'print JSON', false)
  .addHelpText('after', examples('doctor'))
  .action(async ({ json }: { json: boolean }) => {
    const { doctor, renderDoctor } = await import('./doctor.ts');
    const checks = await doctor();
    console.log(json ? JSON.stringify(checks, null, 2) : renderDoctor(checks));
    if (checks.some(({ status }) => status === 'missing')) process.exitCode = exitCode.harnessFailed;
  });
program
  .command('check')
  .description('judge an old record again')
  .argument('<result>', 'a folder below results/')
  .option('--json', 'print JSON', false)
  .addHelpText('after', examples('check results/bus-port-blocked/cured/latest'))
  .action(async (folder: string, { json }: { json: boolean }) => {
    process.exitCode = await (await import('./check.ts')).check(folder, json);
  });
program
  .command('report')
  .description('write report.html of a record again')
  .argument('<result>', 'a folder below results/')
  .addHelpText('after', examples('report results/bus-port-blocked/wounded/latest'))
  .action(async (folder: string) => (await import('./check.ts')).report(folder));
program
  .command('history')
  .description('print what clients did, or export it')
  .argument('<result>', 'a folder below results/')
  .addOption(
    new Option('--as <format>', 'lines to read, or a history of Jepsen for elle-cli and Knossos')
      .choices(['text', 'edn', 'json'])
      .default('text'),
  )
  .option('--key <key>', 'only this key; its values then stand alone')
  .option('--client <number>', 'only this client', wholeNumber)
  .option('--node <name>', 'only what was sent to this node')
  .addOption(new Option('--outcome <outcome>', 'only these').choices(['ok', 'failed', 'unknown']))
  .option('--from <duration>', "only what was under way after this time of the run, such as '30s'")
  .option('--to <duration>', 'only what was under way before it')
  .addHelpText(
    'after',
    examples(
      'history results/bus-port-blocked/cured/latest --outcome unknown',
      'history results/bus-port-blocked/cured/latest --as edn --key register:7 > history.edn',
    ),
  )
  .action(async (folder: string, flags) => {
    process.exitCode = (await import('./history.ts')).history(folder, flags);
  });
program
  .command('sweep')
  .description('remove what crashed runs left')
  .option('--dry-run', 'only list it', false)
  .option('--all', 'also kept clusters and runs in progress', false)
  .addHelpText('after', examples('sweep --dry-run', 'sweep'))
  .action(async (flags: { dryRun: boolean; all: boolean }) => (await import('./sweep.ts')).sweep(flags));
program
  .command('completion')
  .description('print a completion script')
  .argument('<shell>', 'bash, zsh or fish')
  .addHelpText(
    'after',
    examples(
      'completion bash > ~/.local/share/bash-completion/completions/slotquake',
      'completion fish > ~/.config/fish/completions/slotquake.fish',
    ),
  )
  .action(async (shell: string) => console.log((await import('./completion.ts')).completion(shell, program)));
// Its flags are those of the faults, which are many files: they are loaded for those who ask for them.
const inject = program.command('inject').description('inject a fault by hand into a cluster of `up`; it ends by itself');
if (['inject', 'completion'].includes(process.argv[2] ?? '')) await (await import('./hand.ts')).addFaults(inject);

try {
  if (process.argv.length === 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCode.badUsage;
  else {
    console.error(`slotquake: ${error instanceof SlotquakeError ? messageOf(error) : `unexpected: ${messageOf(error)}`}`);
    if (program.opts<{ verbose?: boolean }>().verbose && !(error instanceof SlotquakeError)) console.error(error);
    process.exitCode = codeOfError(error);
  }
}
// A lost connection somewhere must not keep a finished command alive; every resource was released above.
process.exit();
