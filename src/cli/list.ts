import { styleText } from 'node:util';
import { UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import type { Experiment } from '../experiment.ts';
import { allFaults } from '../faults.ts';
import { hanging } from '../report/hanging.ts';
import { type ParameterInfo, parametersOf } from '../parameter.ts';
import { workloadOptions } from '../workload.ts';
import { allWorkloads } from '../workloads.ts';
import { experimentNames, loadCatalogue, loadExperiment } from './load.ts';
import { scalingOf } from './scaling.ts';

const levels = ['easy', 'medium', 'hard'] as const;

/** What can be listed. */
export const lists = ['experiments', 'faults', 'workloads'];

/** The experiments that come with Slotquake, or the kinds of fault or workload with what can be chosen of each. */
export async function list(what: string): Promise<void> {
  if (what === 'faults') return listFaults();
  if (what === 'workloads') return listWorkloads();
  if (what === 'experiments') return listExperiments();
  if (experimentNames().includes(what)) return listExperiment(await loadExperiment(what));
  throw new UsageError(
    `expected ${lists.map((name) => `\`list ${name}\``).join(', ')} or the name of an experiment, got ${JSON.stringify(what)}${didYouMean(what, [...lists, ...experimentNames()])}`,
  );
}

/** From easy to hard, a line each. */
async function listExperiments(): Promise<void> {
  const all = await loadCatalogue();
  const width = Math.max(...all.map(({ name }) => name.length));
  for (const level of levels) {
    const graded = all.filter(({ failure }) => failure?.level === level);
    if (graded.length > 0) console.log(styleText('bold', level));
    for (const { name, failure } of graded) console.log(`  ${name.padEnd(width)}  ${failure?.symptom ?? ''}`);
  }
  console.log(styleText('dim', '`slotquake list <name>` tells why it happens and what helps; `slotquake run <name>` shows it'));
}

function listExperiment({ name, hypothesis, failure, variants }: Experiment): void {
  console.log(`${styleText('bold', name)}${failure ? `  ${styleText('dim', failure.level)}` : ''}`);
  const told: readonly (readonly [string, string | undefined])[] = [
    ['hypothesis', hypothesis],
    ['symptom', failure?.symptom],
    ['cause', failure?.cause],
    ['setting', failure?.setting],
    ['remedy', failure?.remedy],
    ['engines', failure?.engines],
    ['scale', scalingOf(name)],
  ];
  for (const [what, text] of told) if (text) console.log(`  ${what.padEnd(11)} ${hanging(text, 14, process.stdout.columns ?? 120)}`);
  if (failure && typeof failure.audit !== 'string')
    for (const [index, line] of failure.audit.lines.entries()) console.log(`  ${(index === 0 ? 'redis.conf' : '').padEnd(11)} ${line}`);
  const width = Math.max(...Object.keys(variants).map(({ length }) => length));
  console.log('  variants');
  for (const [variant, { about = '', expect = {} }] of Object.entries(variants)) {
    const symptoms = typeof expect === 'function' ? 'a symptom that depends on the engine' : Object.keys(expect).join(', ');
    console.log(`    ${variant.padEnd(width)}  ${hanging(about, width + 6, process.stdout.columns ?? 120)}`);
    console.log(styleText('dim', `    ${' '.repeat(width)}  expects ${symptoms || 'that everything holds'}`));
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
