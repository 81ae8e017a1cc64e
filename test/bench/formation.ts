import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { together } from '../../src/base/together.ts';
import { resolveEngineImage } from '../../src/image.ts';
import { readTimeline, type Timeline } from '../../src/timeline/timeline.ts';
import { ended, start, verdicts } from '../command-line.ts';
import { goal, machine, median } from './machine.ts';

/*
 * How soon a cluster is there, and gone. Beside `up` and `down` stand what people do by hand (six `docker run`, then
 * `--cluster create`, until all say ok and every replica is linked) and what nobody can be faster than: six bare containers
 * of the same image started at once, and the 2 s that a primary waits after its start (cluster.c CLUSTER_WRITABLE_DELAY).
 * All in turn on one machine, as whole processes, so that only the ratios need to be believed.
 */

const rounds = 3;
const delayOfEngineMs = 2_000;
const numbers = [1, 2, 3, 4, 5, 6];
const docker = async (...args: string[]): Promise<string> => (await promisify(execFile)('docker', args)).stdout.trim();
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};
const untilTrue = async (ask: () => Promise<boolean>): Promise<void> => {
  while (!(await ask().catch(() => false))) await delay(20);
};
const slotquake = async (...args: string[]): Promise<string> => {
  const { code, output, errors } = await ended(start(...args));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${errors}`);
  return output;
};
const named = (prefix: string, count: readonly number[] = numbers): string[] =>
  count.map((number) => `slotquake-bench-${prefix}-${number}`);

const image = await resolveEngineImage('redis:7.0');
const serve = ['redis-server', '--cluster-enabled', 'yes', '--protected-mode', 'no'];

async function limit(): Promise<number> {
  const names = named('limit');
  const tookMs = await timed(async () => {
    await together(names, (name) => docker('run', '-d', '--name', name, image, ...serve));
    await together(names, (name) => untilTrue(async () => (await docker('exec', name, 'redis-cli', 'ping')) === 'PONG'));
  });
  await docker('rm', '-f', ...names);
  return tookMs + delayOfEngineMs;
}

async function peers(): Promise<number> {
  const names = named('peer');
  const [first = ''] = names;
  const tookMs = await timed(async () => {
    for (const name of names) await docker('run', '-d', '--name', name, image, ...serve);
    const ips = await together(names, (name) => docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name));
    const create = ['--cluster', 'create', ...ips.map((ip) => `${ip}:6379`), '--cluster-replicas', '1', '--cluster-yes'];
    await docker('exec', first, 'redis-cli', ...create);
    await untilTrue(async () => {
      const answers = await together(names, (name) =>
        docker('exec', name, 'sh', '-c', 'redis-cli cluster info; redis-cli info replication'),
      );
      return answers.every((text) => text.includes('cluster_state:ok') && /role:master|master_link_status:up/.test(text));
    });
  });
  await docker('rm', '-f', ...names);
  return tookMs;
}

/** As many containers as `up` makes. */
async function removal(): Promise<number> {
  const names = named(
    'gone',
    Array.from({ length: 12 }, (_, index) => index),
  );
  await together(names, (name) => docker('run', '-d', '--name', name, image, ...serve));
  return timed(() => docker('rm', '-f', ...names));
}

/** How long the second of two runs of an experiment has to wait after the first was over, and how long forming takes. */
async function pauses(): Promise<{ readonly formedMs: number; readonly pauseMs: number }> {
  const results = mkdtempSync(path.join(tmpdir(), 'slotquake-bench-'));
  try {
    const outcome = await ended(start('run', 'bus-port-blocked', '--variant', 'wounded', '--times', '2', '--results', results, '--json'));
    const [one, two] = verdicts(outcome).map(({ folder }) => folder);
    if (one === undefined || two === undefined) throw new Error(outcome.errors || outcome.output);
    const [first, second] = [one, two].map((folder) => readTimeline(folder).timeline) as [Timeline, Timeline];
    const overAt = statSync(path.join(one, 'report.html')).mtimeMs;
    return { formedMs: first.phaseAtMs('steady') ?? 0, pauseMs: second.run.epochMs + (second.phaseAtMs('steady') ?? 0) - overAt };
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

console.log(machine());
const all = {
  limit: [] as number[],
  peers: [] as number[],
  up: [] as number[],
  down: [] as number[],
  removal: [] as number[],
  formed: [] as number[],
  pause: [] as number[],
};
try {
  for (let round = 0; round < rounds; round++) {
    all.limit.push(await limit());
    all.peers.push(await peers());
    all.up.push(await timed(() => slotquake('up')));
    all.down.push(await timed(() => slotquake('down')));
    all.removal.push(await removal());
    const { formedMs, pauseMs } = await pauses();
    all.formed.push(formedMs);
    all.pause.push(pauseMs);
  }
} finally {
  const left = execFileSync('docker', ['ps', '-aq', '--filter', 'name=slotquake-bench-'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  if (left.length > 0) await docker('rm', '-f', ...left);
}
for (const [name, values] of Object.entries(all))
  console.log(`${name.padEnd(10)} ${values.map((ms) => (ms / 1_000).toFixed(2).padStart(6)).join(' ')} s`);
const ratio = (one: readonly number[], other: readonly number[]): number => median(one) / median(other);
const [toLimit, toPeers, toRemoval] = [ratio(all.up, all.limit), ratio(all.up, all.peers), ratio(all.down, all.removal)];
console.log(`up is ready after ${toLimit.toFixed(2)} of the limit   ${goal('at most 1.15', toLimit <= 1.15)}`);
console.log(`up is ready after ${toPeers.toFixed(2)} of doing it by hand   ${goal('at most 0.55', toPeers <= 0.55)}`);
console.log(`down takes ${toRemoval.toFixed(2)} of removing as many containers   ${goal('at most 1.3', toRemoval <= 1.3)}`);
console.log(
  `the second of two runs begins ${median(all.pause).toFixed(0)} ms after the first is over, ${ratio(all.pause, all.formed).toFixed(2)} of the time to form   ${goal('at most 1 s', median(all.pause) <= 1_000)}`,
);
process.exit();
