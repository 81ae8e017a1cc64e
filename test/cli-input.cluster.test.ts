import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { together } from '../src/base/together.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import { connect } from '../src/driver/endpoint.ts';
import type { Driver } from '../src/driver.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { Connection } from '../src/load/connection.ts';
import { leftBy } from './own-runs.ts';

const root = path.join(import.meta.dirname, '..');
const cli = path.join(root, 'src', 'cli.ts');
const quiet = path.join(import.meta.dirname, 'fixtures', 'undisturbed.ts');
const nobody = 65_534;
let scratch: string;
let driver: Driver;

beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'slotquake-input-'));
  chmodSync(scratch, 0o755);
  driver = await dockerDriver();
  await resolveToolboxImage();
  await resolveEngineImage('redis:7.0');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

const start = (args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly uid?: number } = {}): ChildProcess =>
  spawn(process.execPath, [cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });

function ended(child: ChildProcess): Promise<Ended> {
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output, errors })));
}

const slotquake = (args: readonly string[], options: Parameters<typeof start>[1] = {}): Promise<Ended> => ended(start(args, options));
const runIn = (folder: string, ...args: string[]): string[] => ['run', quiet, '--results', folder, '--quiet', ...args];

/** One sentence on one line, without a stack, with the expected code, and nothing left running. */
async function refused(child: ChildProcess, code: number, says: RegExp): Promise<void> {
  const result = await ended(child);
  expect(result.errors).toMatch(says);
  expect(result.errors).toMatch(/^slotquake: .*\n$/);
  expect(result.errors).not.toContain('unexpected:');
  expect(result.code).toBe(code);
  expect(await leftBy(driver, child.pid)).toEqual([]);
}

/** Another user can run the checkout, and the Node it runs on. */
function readableByAll(): boolean {
  for (const place of [root, path.dirname(process.execPath)])
    for (let folder = place; folder !== path.dirname(folder); folder = path.dirname(folder))
      if ((statSync(folder).mode & 0o005) !== 0o005) return false;
  return true;
}
/** For a test that becomes another user. */
const needsNobody = ({ skip }: Pick<TestContext, 'skip'>): void =>
  skip(process.getuid?.() !== 0 || !readableByAll(), 'it takes root, and a checkout that all can read, to run it as another user');

async function listening(server: Server, where: string | number): Promise<AsyncDisposable> {
  await new Promise<void>((resolve) =>
    typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, '127.0.0.1', resolve),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('the container engine', () => {
  const answering = (body: string): Server =>
    createServer((_, response) => response.setHeader('content-type', 'application/json').end(body));

  it('that is not there is said, with what was tried and what to do', () =>
    refused(
      start(runIn(scratch), { env: { DOCKER_HOST: `unix://${scratch}/no.sock` } }),
      3,
      /no container engine answers \(tried unix:.*no\.sock\); start Docker/,
    ));
  it('that is too old is said, with what is expected', async () => {
    const server = answering(JSON.stringify({ ApiVersion: '1.24', Version: '1.12' }));
    await using _ = await listening(server, 0);
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await refused(
      start(runIn(scratch), { env: { DOCKER_HOST: host } }),
      3,
      /expected a container engine with API 1\.41 or later .*has 1\.24; update it/,
    );
  });
  it('that is none, but something else on its port, is said', async () => {
    const server = answering('"hello"');
    await using _ = await listening(server, 0);
    const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await refused(start(runIn(scratch), { env: { DOCKER_HOST: host } }), 3, /what answers there is no container engine/);
  });
  it('that denies access is told from one that is not there', async (context) => {
    needsNobody(context);
    const socket = path.join(scratch, 'mine.sock');
    await using _ = await listening(answering('{}'), socket);
    chmodSync(socket, 0o600);
    const folder = path.join(scratch, 'nobody');
    mkdirSync(folder, { mode: 0o777 });
    chmodSync(folder, 0o777);
    await refused(
      start(runIn(folder), { uid: nobody, env: { DOCKER_HOST: `unix://${socket}` } }),
      3,
      /permission denied at .*mine\.sock: add yourself to the group/,
    );
  });
});

/** A file system of its own, gone afterwards. */
function mounted(name: string, options: string): Disposable & { readonly folder: string } {
  const folder = path.join(scratch, name);
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  return { folder, [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', folder]) };
}
function canMount(): boolean {
  try {
    const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-mount-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
      execFileSync('umount', [folder], { stdio: 'ignore' });
      return true;
    } finally {
      rmSync(folder, { recursive: true });
    }
  } catch {
    return false;
  }
}

describe('the results folder', () => {
  const mountable = canMount();
  const needsMounts = ({ skip }: Pick<TestContext, 'skip'>): void => skip(!mountable, 'this process may not mount a file system');
  const cannot = /expected a results folder that can be written, but .* cannot \(.*\); make room or choose another with --results/;

  it('on a full disk is refused before anything is started', async (context) => {
    needsMounts(context);
    using disk = mounted('small', 'size=64k');
    await refused(start(runIn(disk.folder)), 64, cannot);
    writeFileSync(path.join(disk.folder, 'ballast'), Buffer.alloc(64 * 1_024));
    await refused(start(runIn(disk.folder)), 64, /ENOSPC/);
  });
  it('on a read-only file system is refused', async (context) => {
    needsMounts(context);
    using disk = mounted('fixed', 'ro');
    await refused(start(runIn(disk.folder)), 64, /EROFS/);
  });
  it('of somebody else is refused', async (context) => {
    needsNobody(context);
    const folder = path.join(scratch, 'theirs');
    mkdirSync(folder, { mode: 0o755 });
    await refused(start(runIn(folder), { uid: nobody }), 64, /EACCES/);
  });
  it('that is a file is refused', () => refused(start(runIn(quiet)), 64, cannot));
  it('that is a file is refused to a catalogue', () => refused(start(['catalogue', 'bus-port-blocked', '--results', quiet]), 64, cannot));
  it('whose disk fills up during the run ends it, healed and cleaned up', async (context) => {
    needsMounts(context);
    using disk = mounted('filling', 'size=20m');
    const child = start(['run', 'bus-port-blocked', '--variant', 'cured', '--results', disk.folder, '--quiet']);
    const runs = path.join(disk.folder, 'bus-port-blocked', 'cured');
    const checked = refused(child, 3, /the record .* cannot be written \(ENOSPC[^)]*\); make room or choose another folder with --results/);
    await poll(
      'a fault to be in force',
      () => {
        const [folder = ''] = readdirSync(runs);
        if (!readFileSync(path.join(runs, folder, 'timeline.jsonl'), 'utf8').includes('"fault-injected"')) throw new Error('not yet');
      },
      { withinMs: 30_000, everyMs: 10 },
    );
    expect(() => appendFileSync(path.join(disk.folder, 'ballast'), Buffer.alloc(20 * 2 ** 20))).toThrow(/ENOSPC/);
    await checked;
  });
});

describe('flags', () => {
  const flags: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a negative seed', ['--seed', '-1'], /--seed/],
    ['no times', ['--times', '0'], /Expected at least 1/],
    ['too little memory', ['--memory', '3'], /expected --memory of at least 16 MB/],
  ];
  for (const [what, args, says] of flags) it(`with ${what} are refused`, () => refused(start(runIn(scratch, ...args)), 64, says));
  it('with a folder as the experiment are refused', () =>
    refused(start(['run', root, '--results', scratch]), 64, /is a folder; name a file in it/));
});

describe('an experiment with a plain type error', () => {
  const errors: readonly (readonly [string, RegExp])[] = [
    ['hypothesis: 5', /expected hypothesis to be a string, got 5/],
    ["disturb: 'x'", /expected disturb to be a function, got "x"/],
    ["workload: { kind: 'registers', clients: 1, rate: 'fast' }", /expected workload\.rate to be a number .*got "fast"/],
  ];
  for (const [index, [field, says]] of errors.entries())
    it(`is refused: ${field.slice(0, 30)}`, async () => {
      const file = path.join(scratch, `wrong-${index}.ts`);
      writeFileSync(file, `export default { name: 'a', hypothesis: 'b', variants: { cured: {} }, disturb() {}, ${field} };\n`);
      await refused(start(['run', file, '--results', scratch]), 64, says);
    });
});

describe('an engine that cannot be had', () => {
  it('is said once, before any run of a catalogue', () =>
    refused(
      start(['catalogue', 'bus-port-blocked', '--engine', '127.0.0.1:1/none:9', '--results', scratch]),
      3,
      /no image for the engine 127\.0\.0\.1:1\/none:9: it is not on this machine; pulling .* failed .*; only redis:6\.0, /,
    ));
});

describe('an engine that does not start', () => {
  it('because of a directive that it does not know ends the run at once with what its log says', async () => {
    const file = path.join(scratch, 'directive.ts');
    const config = "cluster: { config: { 'no-such-directive': 1 } }";
    writeFileSync(file, `export default { name: 'a', hypothesis: 'b', variants: { cured: {} }, async disturb() {}, ${config} };\n`);
    await refused(start(['run', file, '--results', scratch, '--quiet']), 3, /no-such-directive 1' Bad directive/);
  });
  it('ends the run at once with what its log says', async () => {
    const docker = await connect();
    const tag = `slotquake/broken:${process.pid}`;
    const container = await docker.createContainer({
      Image: await resolveEngineImage('redis:7.0'),
      Cmd: ['redis-server'],
      Labels: { 'slotquake.run': 'broken', 'slotquake.kept': 'yes' },
    });
    try {
      const archive = pack();
      const script =
        '#!/bin/sh\ncase "$1" in --version) echo "Redis server v=7.0.15 sha=0";; *) echo "this engine is out of order"; exit 1;; esac\n';
      archive.entry({ name: 'usr/local/bin/redis-server', mode: 0o755 }, script);
      archive.finalize();
      await container.putArchive(archive as unknown as NodeJS.ReadableStream, { path: '/' });
      await container.commit({ repo: 'slotquake/broken', tag: `${process.pid}` });
      await refused(
        start(runIn(scratch, '--engine', tag)),
        3,
        /the engine of node-1 ended with exit code 1 as soon as it was started; .*out of order/,
      );
    } finally {
      await container.remove({ force: true });
      await docker
        .getImage(tag)
        .remove({ force: true })
        .catch(() => {});
    }
  });
});

describe('check', () => {
  let whole: string;
  const record = (name: string, files: Readonly<Record<string, string | Buffer>>): string => {
    const folder = path.join(scratch, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
    return folder;
  };
  const read = (file: string): string => readFileSync(path.join(whole, file), 'utf8');
  beforeAll(async () => {
    const results = path.join(scratch, 'whole');
    expect((await slotquake(runIn(results))).code).toBe(0);
    whole = path.join(results, 'undisturbed', 'cured', 'latest');
  });

  it('reads what is whole of a truncated timeline, says what is not, and is inconclusive', async () => {
    const timeline = read('timeline.jsonl');
    const folder = record('cut', {
      'run.json': read('run.json'),
      'history.bin': readFileSync(path.join(whole, 'history.bin')),
      'timeline.jsonl': timeline.slice(0, timeline.length / 2),
    });
    const result = await slotquake(['check', folder]);
    expect(result.errors).toMatch(/^slotquake: timeline\.jsonl ends in the middle of a line; that line was left out\n$/);
    expect(result.output).toMatch(/INCONCLUSIVE[^]*the record ends before the run did/);
    expect(result.code).toBe(2);
  });
  it('is inconclusive about the timeline of another program, and does not list every line of it', async () => {
    const foreign = Array.from({ length: 1_000 }, (_, n) => JSON.stringify({ level: 30, time: n, msg: 'hello' })).join('\n');
    const result = await slotquake(['check', record('foreign', { 'run.json': read('run.json'), 'timeline.jsonl': `${foreign}\n` })]);
    expect(result.errors).toMatch(/timeline\.jsonl line 1 is not an event/);
    expect(result.errors.split('\n').length).toBeLessThan(15);
    expect(result.code).toBe(2);
  });
  it('is inconclusive about lines that only look like events', async () => {
    const odd = [{ type: 'observed', probe: 'topology' }, { type: 'fault-injecting' }].map((event, seq) =>
      JSON.stringify({ seq, atMs: seq, ...event }),
    );
    const result = await slotquake(['check', record('odd', { 'run.json': read('run.json'), 'timeline.jsonl': `${odd.join('\n')}\n` })]);
    expect(result.errors).not.toMatch(/unexpected:|\n {4}at /);
    expect(result.code).toBe(2);
  });
  for (const [name, text] of [
    ['garbage', 'not JSON'],
    ['nothing', ''],
    ['a foreign object', '{"format":2,"nodes":[],"invariants":[]}'],
    ['nodes without names', '{"format":2,"nodes":[null],"invariants":[],"engine":{},"settings":{},"expect":{},"workload":{},"budget":{}}'],
  ] as const)
    it(`refuses a run.json of ${name}`, async () => {
      const folder = record(name.replaceAll(' ', '-'), { 'run.json': text, 'timeline.jsonl': '' });
      await refused(start(['check', folder]), 64, /run\.json .*name a folder below results\//);
    });
  it('says so when a record cannot be found', () => refused(start(['check', path.join(scratch, 'nowhere')]), 64, /does not exist/));
});

describe('up', () => {
  it('is ready when it says so, survives a sweep, and down removes it', async () => {
    const up = await slotquake(['up']);
    const id = /slotquake down (\S+)/.exec(up.output)?.[1] ?? '';
    const mine = async () => (await driver.leftovers()).find(({ runId }) => runId === id);
    try {
      expect(up.code, up.errors).toBe(0);
      expect((await mine())?.kept).toBe(true);
      const { hosts } = await driver.adopt(id);
      const timeouts = await together(hosts, async ({ dial }) => {
        using connection = new Connection(dial, { name: 'test', timeoutMs: 5_000 });
        await connection.settled();
        return await connection.request([['CONFIG', 'GET', 'cluster-node-timeout']]);
      });
      // They had a longer one while they formed; see cluster/patience.ts.
      expect(timeouts).toEqual(Array.from({ length: 6 }, () => [['cluster-node-timeout', '2000']]));
      // Only listed: others may have something to sweep on this machine.
      expect((await slotquake(['sweep', '--dry-run'])).output).toContain(`stays (kept)  ${id}`);
    } finally {
      expect((await slotquake(['down', id])).output).toBe(`removed ${id}\n`);
    }
    expect(await mine()).toBeUndefined();
  });
});
