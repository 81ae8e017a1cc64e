import { styleText } from 'node:util';
import { UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { allFaults } from '../faults.ts';
import { type ParameterInfo, parametersOf } from '../parameter.ts';
import { workloadOptions } from '../workload.ts';
import { allWorkloads } from '../workloads.ts';
import { experimentNames, loadExperiment } from './load.ts';

/** What can be listed. */
export const lists = ['experiments', 'faults', 'workloads'];

/** The experiments that come with Slotquake, or the kinds of fault or workload with what can be chosen of each. */
export async function list(what: string): Promise<void> {
  if (what === 'faults') return listFaults();
  if (what === 'workloads') return listWorkloads();
  if (what !== 'experiments')
    throw new UsageError(
      `expected ${lists.map((name) => `\`list ${name}\``).join(', ')}, got ${JSON.stringify(what)}${didYouMean(what, lists)}`,
    );
  for (const name of experimentNames()) {
    const { hypothesis, variants } = await loadExperiment(name);
    console.log(`${styleText('bold', name)}\n  ${hypothesis}`);
    for (const [variant, { about = '' }] of Object.entries(variants)) console.log(`  ${variant.padEnd(9)} ${about}`);
  }
}

async function listFaults(): Promise<void> {
  for (const [name, { kind }] of await allFaults()) {
    console.log(`${styleText('bold', name)}\n  ${kind.about}`);
    for (const info of parametersOf(kind.parameters)) console.log(parameter(info, info.flag));
    console.log(styleText('dim', `    slotquake inject ${name} ${kind.example}`));
  }
}

async function listWorkloads(): Promise<void> {
  for (const [name, { kind }] of await allWorkloads()) {
    console.log(`${styleText('bold', name)}\n  ${kind.about}\n  must be true: ${kind.promise}`);
    for (const info of kind.extra ? parametersOf(kind.extra) : []) console.log(parameter(info, info.name));
    console.log(styleText('dim', `    import ${camelCase(name)} from 'slotquake/workload/${name}'`));
  }
  console.log(styleText('bold', 'options of every workload'));
  for (const info of parametersOf(workloadOptions)) console.log(parameter(info, info.name));
}

const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function parameter({ about, choices, fallback }: ParameterInfo, name: string): string {
  const among = choices.length > 0 && !choices.every((choice) => about.includes(choice)) ? ` (${choices.join(', ')})` : '';
  const otherwise = fallback === undefined ? '' : styleText('dim', `, by default ${JSON.stringify(fallback).replaceAll('"', '')}`);
  return `    ${name.padEnd(20)} ${about}${among}${otherwise}`;
}
