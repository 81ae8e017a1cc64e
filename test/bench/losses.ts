import { existsSync, writeFileSync } from 'node:fs';
import { jsonLines } from '../../src/base/json-lines.ts';
import { type LossRun, lossesFile, lossRuns } from '../../src/losses.ts';
import { flag, measured } from './measured.ts';

/*
 * What is lost, measured: the three experiments about losses, in their four variants, on every engine, again and again.
 * Each run adds a line to experiments/losses.json, from which `npm run docs` makes the table; a run that is there already,
 * by engine, variant and seed, is not made again.
 *
 *     npm run losses -- [--engines redis:7.0,valkey:9.1] [--repeats 3] [--only split-brain-writes]
 */
const engines = flag('engines', 'redis:6.0,redis:7.0,redis:8.0,valkey:8.1,valkey:9.1').split(',');
const experiments = flag('only', 'killed-primary,paused-primary,split-brain-writes').split(',');
const repeats = Number(flag('repeats', '3'));

const runs: LossRun[] = existsSync(lossesFile) ? lossRuns() : [];
for (let seed = 1; seed <= repeats; seed++) {
  for (const engine of engines) {
    for (const experiment of experiments) {
      for (const variant of ['wounded', 'wait', 'min-replicas', 'cured']) {
        if (runs.some((run) => run.engine === engine && run.experiment === experiment && run.variant === variant && run.seed === seed))
          continue;
        const { verdict, because, version, consistency } = measured(
          experiment,
          '--variant',
          variant,
          '--engine',
          engine,
          '--seed',
          `${seed}`,
        );
        const { loss, splitBrain } = consistency;
        runs.push({
          engine,
          version,
          experiment,
          variant,
          seed,
          verdict,
          acknowledged: loss.losses.acknowledged,
          lost: loss.losses.lost,
          outside: loss.losses.outside,
          windowMs: Math.round(loss.losses.longestWindowMs),
          splitBrainMs: Math.round(splitBrain.clients.totalMs),
        });
        runs.sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
        writeFileSync(lossesFile, jsonLines(runs));
        console.log(
          `${engine} ${experiment}/${variant} seed ${seed}: ${verdict}, ${loss.losses.lost} lost over ${Math.round(loss.losses.longestWindowMs)} ms${verdict === 'as-expected' ? '' : `; ${because}`}`,
        );
      }
    }
  }
}

function keyOf({ engine, experiment, variant, seed }: LossRun): string {
  return [experiment, engine, variant, `${seed}`.padStart(4, '0')].join(' ');
}
