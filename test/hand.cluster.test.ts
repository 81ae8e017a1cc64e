import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { type Command, type Hosts, toolbox } from '../src/driver.ts';
import { faultsInForce, healByHand, type InForce } from '../src/hand.ts';
import { ProvingGround } from './fault/proving-ground.ts';

const cli = path.join(import.meta.dirname, '..', 'src', 'cli.ts');
let ground: ProvingGround;
let results: string;
beforeAll(async () => {
  ground = await ProvingGround.open(true);
  results = mkdtempSync(path.join(tmpdir(), 'slotquake-hand-'));
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
  rmSync(results, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function slotquake(...args: string[]): Promise<Ended> {
  const child: ChildProcess = spawn(process.execPath, [cli, ...args, ...(args[0] === 'list' ? [] : ['--run', ground.runId])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output, errors })));
}
const inject = (...args: string[]): Promise<Ended> => slotquake('inject', ...args, '--results', results);
const pidOf = (process: string | undefined): number => Number(process?.split('/')[1]);
const inForce = (): Promise<InForce[]> => faultsInForce(ground.cluster.hosts);
/** For what comes by itself; what a command has done is there when it ends. */
const soonMs = 60_000;
const nothing = (withinMs: number): Promise<void> =>
  poll(
    'no fault to be in force',
    async () => {
      const left = await inForce();
      const rules = await ground.must(toolbox('node-4', 'iptables-save | grep SLOTQUAKE || true'));
      if (left.length > 0 || rules !== '') throw new Error(`${left.map(({ fault }) => fault).join()} ${rules}`);
    },
    { withinMs, everyMs: 50 },
  );

describe('faults by hand', () => {
  it('are injected, shown with their evidence, and healed', async () => {
    const injected = await inject(
      'latency',
      '--target',
      'node-4',
      '--delay',
      '30ms',
      '--jitter',
      '5ms',
      '--port',
      'client',
      '--for',
      '30s',
    );
    expect(injected, injected.errors).toMatchObject({
      code: 0,
      output: expect.stringMatching(/latency at node-4 for 30.0 s[^]*packets delayed/),
    });
    const second = await inject('block-bus', '--target', 'node-4', '--for', '30s');
    expect(second.code, second.errors).toBe(0);
    const shown = await slotquake('faults');
    expect(shown.output).toMatch(/latency at node-4 [^]*block-bus at node-4/);
    const [first] = await inForce();
    expect((await slotquake('heal', first?.id ?? '')).output).toContain(`healed ${first?.id}`);
    expect((await inForce()).map(({ fault }) => fault)).toEqual(['block-bus']);
    expect((await slotquake('heal', 'all')).code).toBe(0);
    await nothing(0);
    expect((await slotquake('faults')).output).toContain('no fault is in force');
  });

  it('end by themselves, with nobody there', async () => {
    expect((await inject('block-bus', '--target', 'node-4', '--for', '1s')).code).toBe(0);
    await nothing(soonMs);
  });

  it('end when the process that holds them is killed, by its guard', async () => {
    expect((await inject('block-bus', '--target', 'node-4', '--for', '50s')).code).toBe(0);
    const [fault] = await inForce();
    process.kill(pidOf(fault?.holder), 'SIGKILL');
    await nothing(soonMs);
  });

  it('are left to that guard by whoever heals them meanwhile', async () => {
    expect((await inject('block-bus', '--target', 'node-4', '--for', '50s')).code).toBe(0);
    const [fault] = await inForce();
    process.kill(pidOf(fault?.holder), 'SIGKILL');
    const { runId, hosts, perform } = ground.cluster.hosts;
    const performed: Command[] = [];
    const watched = { runId, hosts, perform: (command: Command) => (performed.push(command), perform.call(ground.cluster.hosts, command)) };
    await healByHand(watched as Hosts, fault as InForce);
    await nothing(0);
    expect(performed.filter((command) => !('script' in command && command.script.startsWith('cat ')))).toEqual([]);
  });

  it('are taken back by whoever heals them when holder and guard are gone', async () => {
    expect((await inject('block-bus', '--target', 'node-4', '--for', '50s')).code).toBe(0);
    const [fault] = await inForce();
    // A holder that runs would notice the end of its guard.
    process.kill(pidOf(fault?.holder), 'SIGSTOP');
    process.kill(pidOf(fault?.guard), 'SIGKILL');
    process.kill(pidOf(fault?.holder), 'SIGKILL');
    expect((await slotquake('heal', 'all')).output).toContain(`healed ${fault?.id}`);
    await nothing(0);
  });

  it('end when their guard is killed: the holder notices, heals and stops', async () => {
    expect((await inject('block-bus', '--target', 'node-4', '--for', '50s')).code).toBe(0);
    const [fault] = await inForce();
    process.kill(pidOf(fault?.guard), 'SIGKILL');
    await nothing(soonMs);
  });

  it('are refused in one sentence when they cannot be', async () => {
    for (const [args, code, message] of [
      [['latency', '--target', 'four primaries'], 64, /wants four primaries/],
      [['latency', '--target', 'node-1', '--delay', 'soon'], 64, /needs delay .*got "soon"/],
      [['latency', '--target', 'node-1', '--dely', '1ms'], 64, /unknown option/],
      [['latency'], 64, /--target/],
      [['earthquake', '--target', 'node-1'], 64, /unknown command/],
      [['block-bus', '--target', 'node-1', '--for', 'ever'], 64, /--for/],
    ] as const) {
      const result = await inject(...args);
      expect(result.code, result.errors).toBe(code);
      expect(result.errors).toMatch(message);
      expect(result.errors.trim().split('\n')).toHaveLength(1);
    }
    expect((await slotquake('heal', 'nope')).code).toBe(64);
    await nothing(0);
  });

  it('are listed with their parameters and an example each', async () => {
    const { output } = await slotquake('list', 'faults');
    expect(output).toContain('slotquake inject latency --target "one primary" --delay 80ms');
  });
});
