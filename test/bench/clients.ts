import { writeFileSync } from 'node:fs';
import { jsonLines } from '../../src/base/json-lines.ts';
import { type ClientRun, clientsFile } from '../../src/losses.ts';
import { clientKinds } from '../../src/workload.ts';
import { flag, measured } from './measured.ts';

/*
 * What applications feel: two experiments with each client under test, on one engine. Writes experiments/clients.json anew,
 * from which `npm run docs` makes the table.
 *
 *     npm run clients -- [--engine redis:7.0] [--repeats 3]
 */
const engine = flag('engine', 'redis:7.0');
const repeats = Number(flag('repeats', '3'));
const runs: ClientRun[] = [];
for (const experiment of ['killed-primary', 'paused-primary']) {
  for (const client of clientKinds) {
    for (let seed = 1; seed <= repeats; seed++) {
      const run = measured(experiment, '--variant', 'wounded', '--engine', engine, '--client', client, '--seed', `${seed}`);
      const { service, loss } = run.consistency;
      const stalls = service.shards.map(({ stall }) => Math.round(stall?.ms ?? 0)).toSorted((a, b) => b - a);
      runs.push({
        engine: `${engine.split(':')[0]} ${run.version}`,
        experiment,
        client,
        seed,
        verdict: run.verdict,
        firstErrorMs: service.faults[0]?.toFirstErrorMs ?? null,
        lastErrorMs: service.faults[0]?.fromHealToLastErrorMs ?? null,
        hurtShardMs: stalls[0] ?? 0,
        otherShardsMs: stalls[1] ?? 0,
        errors: service.operations.failed + service.operations.unknown,
        operations: service.operations.ok + service.operations.failed + service.operations.unknown,
        neverAnswered: service.neverAnswered,
        stuck: service.stuck.length,
        lost: loss.losses.lost,
      });
      console.log(JSON.stringify(runs.at(-1)));
      writeFileSync(clientsFile, jsonLines(runs));
    }
  }
}
