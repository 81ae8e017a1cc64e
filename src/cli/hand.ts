import { type Command, Option } from 'commander';
import { formatMs, parseDuration } from '../base/duration.ts';
import { SlotquakeError, UsageError } from '../base/errors.ts';
import { freshSeed } from '../base/random.ts';
import { targetForms } from '../cluster/select.ts';
import type { Driver } from '../driver.ts';
import { dockerDriver } from '../driver/docker.ts';
import type { FaultMaker } from '../fault.ts';
import { allFaults } from '../faults.ts';
import { faultsInForce, healByHand, injectByHand, type InForce } from '../hand.ts';
import { fromWord, parametersOf, parseParameters } from '../parameter.ts';

interface InjectFlags {
  readonly target: string;
  readonly for: string;
  readonly run?: string;
  readonly seed?: string;
  readonly results: string;
  readonly [parameter: string]: string | undefined;
}

/** Gives `inject` a subcommand for every fault, whose flags are its parameters. */
export async function addFaults(inject: Command): Promise<void> {
  inject.addHelpText(
    'after',
    `
Targets: ${targetForms.map((form) => `"${form}"`).join(', ')}

Examples:
  slotquake inject latency --target "one primary" --delay 80ms --jitter 20ms --port bus --for 30s
  slotquake inject partition --target "a minority of primaries and their replicas"
  slotquake faults                               what is in force
  slotquake heal all`,
  );
  for (const [name, { kind }] of await allFaults()) {
    const command = inject
      .command(name)
      .description(kind.about)
      .requiredOption('--target <nodes>', 'whom, such as "one primary"')
      .option('--for <duration>', 'how long, at most', '60s')
      .option('--run <id>', 'the cluster, where there are several')
      .option('--seed <number>', 'repeat the choices of an earlier time')
      .option('--results <folder>', 'where records go', 'results')
      .addHelpText(
        'after',
        `\nWhat it does  ${kind.mechanism}\nEvidence      ${kind.evidence}\nUndo          ${kind.undo}\n\nExample:\n  slotquake inject ${name} ${kind.example}`,
      )
      .action((flags: InjectFlags) => inject_(name, flags));
    for (const info of parametersOf(kind.parameters)) {
      const hints = [
        ...(info.choices.length > 0 && !info.about.includes(info.choices[0] as string) ? [info.choices.join(', ')] : []),
        ...(info.fallback === undefined
          ? []
          : [`default ${typeof info.fallback === 'string' ? info.fallback : JSON.stringify(info.fallback)}`]),
      ];
      const option = new Option(`${info.flag} <value>`, `${info.about}${hints.length > 0 ? ` (${hints.join('; ')})` : ''}`);
      if (info.required) option.makeOptionMandatory();
      command.addOption(option);
    }
  }
}

async function inject_(name: string, flags: InjectFlags): Promise<void> {
  const { kind } = (await allFaults()).get(name) as FaultMaker;
  const parameters = Object.fromEntries(
    parametersOf(kind.parameters).flatMap((info) => {
      const word = flags[info.name];
      return word === undefined ? [] : [[info.name, fromWord(word, info)]];
    }),
  );
  // Checked here too, so that a typing error never starts a process.
  parseParameters(`the fault ${name}`, kind.parameters, parameters);
  const forMs = parseDuration(flags.for, '--for as a duration');
  const seed = flags.seed === undefined ? freshSeed() : Number(flags.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new UsageError(`expected --seed as a whole number, got ${flags.seed}`);
  const runId = await theRun(await dockerDriver(), flags.run);
  for await (const report of injectByHand({ runId, fault: name, target: flags.target, parameters, forMs, seed, results: flags.results })) {
    switch (report.say) {
      case 'injected':
        console.log(`${report.id}  ${name} at ${report.nodes.join(', ')} for ${formatMs(forMs)}; \`slotquake heal ${report.id}\` ends it`);
        break;
      case 'effective':
        for (const line of report.evidence) console.log(`      ${line}`);
        break;
      case 'ineffective':
        console.log(`      ${report.because}`);
        break;
      case 'failed':
        throw report.usage ? new UsageError(report.because) : new SlotquakeError(report.because);
    }
  }
}

/** What is in force by hand, since when, and what shows it. */
export async function faults(run: string | undefined, json: boolean): Promise<void> {
  const all = await inForce(await dockerDriver(), run);
  if (json) {
    console.log(
      JSON.stringify(
        all.map(({ runId, fault: { actions: _, ...fault } }) => ({ run: runId, ...fault })),
        null,
        2,
      ),
    );
    return;
  }
  if (all.length === 0) console.log('no fault is in force');
  for (const { runId, fault } of all) {
    const nowMs = Date.now();
    console.log(
      `${fault.id}  ${fault.fault} at ${fault.nodes.join(', ')} of ${runId}, for ${formatMs(nowMs - fault.sinceEpochMs)}, ${formatMs(Math.max(0, fault.untilEpochMs - nowMs))} left`,
    );
    for (const line of fault.evidence.length > 0 ? fault.evidence : ['nothing showed yet that it bites']) console.log(`      ${line}`);
  }
}

export async function heal(which: string, run: string | undefined): Promise<void> {
  const driver = await dockerDriver();
  const all = await inForce(driver, run);
  const chosen = which === 'all' ? all : all.filter(({ fault }) => fault.id === which);
  if (chosen.length === 0 && which !== 'all')
    throw new UsageError(
      `expected the id of a fault in force (${all.map(({ fault }) => fault.id).join(', ') || 'there is none'}) or all, got ${which}`,
    );
  // The youngest first: an older one may need what a younger one has stopped.
  for (const { runId, fault } of chosen.toSorted((a, b) => b.fault.sinceEpochMs - a.fault.sinceEpochMs)) {
    await healByHand(await driver.adopt(runId), fault);
    console.log(`healed ${fault.id}  ${fault.fault} at ${fault.nodes.join(', ')}`);
  }
  if (chosen.length === 0) console.log('no fault is in force');
}

async function inForce(driver: Driver, run: string | undefined): Promise<{ readonly runId: string; readonly fault: InForce }[]> {
  const runs = run === undefined ? await keptRuns(driver) : [await theRun(driver, run)];
  const found = await Promise.all(
    runs.map(async (runId) => (await faultsInForce(await driver.adopt(runId))).map((fault) => ({ runId, fault }))),
  );
  return found.flat();
}

const keptRuns = async (driver: Driver): Promise<string[]> =>
  (await driver.leftovers())
    .filter(({ kept, resources }) => kept && resources.some(({ kind }) => kind === 'container'))
    .map(({ runId }) => runId);

/** The kept cluster of that name, or the only one there is. */
async function theRun(driver: Driver, run: string | undefined): Promise<string> {
  const kept = await keptRuns(driver);
  const chosen = run ?? (kept.length === 1 ? kept[0] : undefined);
  if (chosen !== undefined && kept.includes(chosen)) return chosen;
  throw new UsageError(
    kept.length === 0
      ? 'there is no cluster to hurt by hand; `slotquake up` makes one'
      : `expected --run with one of the kept clusters ${kept.join(', ')}, got ${run ?? 'none'}`,
  );
}
