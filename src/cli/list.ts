import { styleText } from 'node:util';
import { experimentNames, loadExperiment } from './load.ts';

export async function list(): Promise<void> {
  for (const name of experimentNames()) {
    const { hypothesis, variants } = await loadExperiment(name);
    console.log(`${styleText('bold', name)}\n  ${hypothesis}`);
    for (const [variant, { about = '' }] of Object.entries(variants)) console.log(`  ${variant.padEnd(9)} ${about}`);
  }
}
