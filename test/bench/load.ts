import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { Worker } from 'node:worker_threads';
import Docker from 'dockerode';
import { sleepMs } from '../../src/base/poll.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ipOf } from '../../src/driver.ts';
import { type History, openLoad } from '../../src/load.ts';
import { scanHistory } from '../../src/timeline/history.ts';
import type { Workload } from '../../src/workload.ts';
import registers from '../../src/workload/registers.ts';
import { ProvingGround } from '../fault/proving-ground.ts';
import { goal, machine, median, percentile, thousands } from './machine.ts';

/*
 * How fast the recorded load is beside the engine's own benchmark, what recording costs, and how well a schedule is kept.
 * All of it in one run on one cluster, taking turns, so that only the ratios need to be believed.
 */

const rounds = Number(process.env['ROUNDS'] ?? 3);
const clients = 50;
const valueBytes = 16;
const keys = 3_000;
const warmUpMs = 500;
const measuredMs = 3_000;

const ground = await ProvingGround.open(false, { spares: 0, tls: false, config: {} });
const { cluster } = ground;
const [node] = cluster.nodes;
if (!node) throw new Error('the cluster has no node');
const docker = new Docker();

const nowhere: History = { add: () => {}, flush: () => {}, [Symbol.dispose]: () => {} };

interface Measured {
  readonly perSecond: number;
  /** Time of this process that an operation took. */
  readonly cpuUs: number;
  /** How much of a core this process had. It would take a whole one. */
  readonly cores: number;
  /** How long after its intended start each operation was sent, where that was recorded. */
  readonly lateMs: readonly number[];
}

/** What a workload does once it has warmed up. */
async function ours(workload: Workload, forMs = measuredMs, history?: History): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-bench-'));
  const originMs = performance.now();
  const load = await openLoad({
    cluster,
    workload,
    random: seededRandom(1),
    nowMs: () => performance.now() - originMs,
    folder,
    onUnwritable: (error) => {
      throw error;
    },
    ...(history ? { history } : {}),
  });
  load.start();
  await sleepMs(warmUpMs);
  const [fromMs, before, cpuBefore] = [performance.now(), load.counts.ok, process.cpuUsage()];
  await sleepMs(forMs);
  const [tookMs, operations, cpu] = [performance.now() - fromMs, load.counts.ok - before, process.cpuUsage(cpuBefore)];
  const cpuUs = cpu.user + cpu.system;
  await load.stop();
  load[Symbol.dispose]();
  if (load.counts.failed + load.counts.unknown > 0) throw new Error(`not all went well: ${JSON.stringify(load.counts)}`);
  const lateMs: number[] = [];
  if (!history)
    scanHistory(folder, (row) => {
      if (row.sentAtMs >= fromMs - originMs) lateMs.push(row.lateMs);
    });
  rmSync(folder, { recursive: true });
  return { perSecond: (operations / tookMs) * 1_000, cpuUs: cpuUs / operations, cores: cpuUs / 1_000 / tookMs, lateMs };
}

/** SETs of redis-benchmark a second, with its own key distribution: whole shards for each of its clients. */
async function theirs(pipeline: number, requests: number): Promise<number> {
  const exec = await docker.getContainer((node as { container: string }).container).exec({
    Cmd: [
      'sh',
      '-c',
      `$(command -v redis-benchmark || command -v valkey-benchmark) --cluster -h ${ipOf(node as never)} -p 6379 -c ${clients} -P ${pipeline} -t set -r ${keys / 3} -d ${valueBytes} -n ${requests} --csv`,
    ],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({});
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  let text = '';
  for (const side of [out, err]) side.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => stream.on('end', resolve));
  const perSecond = Number(/^"SET","([\d.]+)"/m.exec(text)?.[1]);
  if (!(perSecond > 0)) throw new Error(`expected a line "SET","requests a second" of redis-benchmark, got ${text.slice(-300)}`);
  return perSecond;
}

const closed = (pipeline: number): Workload =>
  registers({ rate: 'closed', clients, pipeline, keys, distribution: 'sharded', readShare: 0, valueBytes, timeoutMs: 10_000 });

console.log(`load: ${cluster.engine.kind} ${cluster.engine.version}; ${machine()}`);
for (const { pipeline, wanted } of [
  { pipeline: 1, wanted: 0.5 },
  { pipeline: 16, wanted: 0.35 },
]) {
  const [own, others]: [Measured[], number[]] = [[], []];
  let requests = 20_000;
  for (let round = -1; round < rounds; round++) {
    const theirsNow = await theirs(pipeline, requests);
    // As long as ours; the first turn is for warming up.
    requests = Math.round((theirsNow * (warmUpMs + measuredMs)) / 1_000);
    if (round < 0) continue;
    others.push(theirsNow);
    own.push(await ours(closed(pipeline)));
  }
  const ratios = own.map(({ perSecond }, round) => perSecond / (others[round] as number));
  const each = (values: readonly number[]): string => `${thousands(median(values))}/s (${values.map(thousands).join(', ')})`;
  console.log(`SET with ${clients} clients, pipeline ${pipeline}; medians of ${rounds} rounds`);
  console.log(`  recorded ${each(own.map(({ perSecond }) => perSecond))}; redis-benchmark ${each(others)}`);
  console.log(
    `  recorded / redis-benchmark ${median(ratios).toFixed(2)}, at best ${Math.max(...ratios).toFixed(2)}   ${goal(`at least ${wanted}`, median(ratios) >= wanted)}`,
  );
  const cores = own.map((measured) => measured.cores);
  if (Math.min(...cores) < 0.9)
    console.log(`  the machine was busy: this process had ${cores.map((share) => share.toFixed(2)).join(', ')} of the core that it takes`);

  // By the time of this process, a quarter of the turns being better: whatever else the machine does only adds to it.
  const [recorded, bare]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < 4 * rounds; turn++) {
    recorded.push((await ours(closed(pipeline), 500)).cpuUs);
    bare.push((await ours(closed(pipeline), 500, nowhere)).cpuUs);
  }
  const [withIt, without] = [percentile(recorded, 0.25), percentile(bare, 0.25)];
  const cost = 1 - without / withIt;
  console.log(
    `  an operation takes ${withIt.toFixed(1)} us of this process, ${without.toFixed(1)} us when it is not recorded: ${(100 * cost).toFixed(1)} %   ${goal('at most 15 %', cost <= 0.15)}`,
  );
}

/** What becomes late on this machine in any case: a thread that does nothing but wake up each millisecond. */
const idler = new Worker(
  `const { parentPort } = require('node:worker_threads');
  let late = [];
  parentPort.on('message', () => { parentPort.postMessage(late); late = []; });
  let dueMs = performance.now() + 1;
  setInterval(() => { late.push(Math.max(0, performance.now() - dueMs)); dueMs = performance.now() + 1; }, 1);`,
  { eval: true },
);
const idlerLateMs = async (): Promise<number[]> => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  idler.postMessage('how late?');
  const [late] = (await once(idler, 'message')) as [number[]];
  return late;
};
const late: (readonly number[])[] = [];
const machineLate: number[][] = [];
for (let round = 0; round < rounds; round++) {
  await idlerLateMs();
  late.push((await ours(registers({ rate: 5_000, clients, keys, valueBytes }))).lateMs);
  machineLate.push(await idlerLateMs());
}
const [p50, p99] = [0.5, 0.99].map((share) => median(late.map((values) => percentile(values, share)))) as [number, number];
const idle = median(machineLate.map((values) => percentile(values, 0.99)));
console.log(
  `5,000 operations a second: sent after their intended start p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms   ${goal('p99 below 5 ms', p99 < 5)}`,
);
console.log(`  a thread beside it that does nothing wakes up late by p99 ${idle.toFixed(2)} ms`);
await ground[Symbol.asyncDispose]();
// A connection that is still being closed must not keep a finished measurement alive.
process.exit();
