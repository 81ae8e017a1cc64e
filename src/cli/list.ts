import { styleText } from 'node:util';
import { UsageError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest.ts';
import { allFaults } from '../faults.ts';
import { parametersOf } from '../parameter.ts';
import { experimentNames, loadExperiment } from './load.ts';

/** The experiments that come with Slotquake, or the kinds of fault with their parameters and an example each. */
export async function list(what: string): Promise<void> {
  if (what === 'faults') return listFaults();
  if (what !== 'experiments')
    throw new UsageError(`expected \`list experiments\` or \`list faults\`, got ${what}${didYouMean(what, ['experiments', 'faults'])}`);
  for (const name of experimentNames()) {
    const { hypothesis, variants } = await loadExperiment(name);
    console.log(`${styleText('bold', name)}\n  ${hypothesis}`);
    for (const [variant, { about = '' }] of Object.entries(variants)) console.log(`  ${variant.padEnd(9)} ${about}`);
  }
}

async function listFaults(): Promise<void> {
  for (const [name, { kind }] of await allFaults()) {
    console.log(`${styleText('bold', name)}\n  ${kind.about}`);
    for (const { flag, about, choices, fallback } of parametersOf(kind.parameters)) {
      const among = choices.length > 0 && !about.includes(choices[0] as string) ? ` (${choices.join(', ')})` : '';
      console.log(
        `    ${flag.padEnd(20)} ${about}${among}${fallback === undefined ? '' : styleText('dim', `, by default ${JSON.stringify(fallback).replaceAll('"', '')}`)}`,
      );
    }
    console.log(styleText('dim', `    slotquake inject ${name} ${kind.example}`));
  }
}
