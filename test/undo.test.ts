import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Command, CommandResult } from '../src/driver.ts';
import { notAsked } from '../src/driver/interpreter.ts';
import { whileAlive } from '../src/revival.ts';
import { inOneContainer, type Look, takeBack } from '../src/undo.ts';
import { fine, healthyState, PaperHosts, script } from './paper.ts';

const surgeon = (text: string): Command => ({ run: 'surgeon', node: 'node-1', script: text });
const inToolbox = (text: string): Command => script('node-1', text);

/** A node of which every script runs in a shell here, and whose engine lives or not. */
function node({ alive = true, refusal }: { readonly alive?: boolean; readonly refusal?: CommandResult } = {}): PaperHosts {
  const hosts = new PaperHosts([], (command) => {
    if (refusal) return refusal;
    if (!('script' in command)) return undefined;
    const { status, stdout } = spawnSync('sh', ['-c', command.script], { encoding: 'utf8' });
    return { exitCode: status ?? 1, output: stdout.trim() };
  });
  hosts.state = () => Promise.resolve({ ...healthyState, status: alive ? 'running' : 'exited' });
  return hosts;
}

/** What one look told: of a step that is not clean too. */
async function look(hosts: PaperHosts, undo: Command, residue: Command): Promise<Look | undefined> {
  let seen: Look | undefined;
  await takeBack(hosts, { undo, residue }, { withinMs: 0, onLook: (each) => void (seen = each) }).catch(() => {});
  return seen;
}

describe('taking back', () => {
  it('looks after the step, each by a command of its own', async () => {
    const hosts = node();
    expect(await look(hosts, inToolbox('echo undone'), inToolbox('echo left'))).toEqual({
      undo: { exitCode: 0, output: 'undone' },
      residue: { exitCode: 0, output: 'left' },
      clean: false,
    });
    expect(hosts.carriedOut).toHaveLength(2);
  });
  it('does both in one container where each would need one, and tells them apart', async () => {
    const hosts = node();
    expect(await look(hosts, surgeon("echo 'it is' undone; exit 3"), surgeon("cat <<'END'\nnothing\nEND\nexit 4"))).toEqual({
      undo: { exitCode: 3, output: 'it is undone' },
      residue: { exitCode: 4, output: 'nothing' },
      clean: false,
    });
    expect(hosts.carriedOut).toHaveLength(1);
    expect((await look(node(), surgeon('false'), surgeon('true')))?.clean).toBe(true);
    expect((await look(node(), surgeon('true'), surgeon('echo left')))?.clean).toBe(false);
    expect((await look(node(), surgeon('true'), surgeon('if')))?.clean).toBe(false);
  });
  it('keeps the condition of both, and has nothing to do where it is not met', async () => {
    const [undo, residue] = [whileAlive(surgeon('true')), whileAlive(surgeon('echo left'))];
    expect((await look(node(), undo, residue))?.clean).toBe(false);
    const dead = node({ alive: false });
    expect((await look(dead, undo, residue))?.clean).toBe(true);
    expect(dead.carriedOut).toEqual([]);
  });
  it('takes steps of different conditions or nodes one after the other', async () => {
    const elsewhere: Command = { run: 'surgeon', node: 'node-2', script: 'true' };
    const otherwise: Command = { run: 'if', node: 'node-1', condition: inToolbox('true'), deed: surgeon('true') };
    const pairs: readonly (readonly [Command, Command])[] = [
      [surgeon('true'), elsewhere],
      [whileAlive(surgeon('true')), surgeon('true')],
      [whileAlive(surgeon('true')), otherwise],
    ];
    for (const [undo, residue] of pairs) {
      const hosts = new PaperHosts();
      await look(hosts, undo, residue);
      expect(hosts.performed).toEqual([undo, residue]);
    }
  });
  it('keeps a condition of a condition, and what else is not of the same shape stays apart', () => {
    const [twice, once] = [whileAlive(whileAlive(surgeon('a'))), whileAlive(whileAlive(surgeon('b')))];
    expect(inOneContainer(twice, once)).toEqual(whileAlive(whileAlive({ ...surgeon(''), script: expect.any(String) } as Command)));
    for (const [undo, residue] of [
      [inToolbox('a'), inToolbox('b')],
      [surgeon('a'), inToolbox('b')],
      [inToolbox('a'), surgeon('b')],
      [surgeon('a'), whileAlive(surgeon('b'))],
      [whileAlive(inToolbox('a')), whileAlive(surgeon('b'))],
    ] as const)
      expect(inOneContainer(undo, residue)).toBeUndefined();
  });
  it('is not clean where the container of both ended before the look, or not as it should', async () => {
    const [undone, looked] = ['done\x1e0\x1e', '\x1e0\x1e'];
    for (const result of [
      { exitCode: 0, output: undone },
      { exitCode: 137, output: undone + looked },
    ])
      expect(await look(node({ refusal: result }), surgeon('true'), surgeon('true'))).toEqual({
        undo: result,
        residue: result,
        clean: false,
      });
    expect((await look(node({ refusal: { exitCode: 0, output: undone + looked } }), surgeon('true'), surgeon('true')))?.clean).toBe(true);
  });
  it('is not clean where the container of both could not be had', async () => {
    const refused = notAsked(new Error('no such image'));
    expect(await look(node({ refusal: refused }), surgeon('true'), surgeon('true'))).toEqual({
      undo: refused,
      residue: refused,
      clean: false,
    });
  });
});

describe('taking back again and again', () => {
  beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
  afterEach(() => void vi.useRealTimers());

  const [undo, residue] = [inToolbox('undo'), inToolbox('look')];
  /** Looks that answer so one after the other, and with the last of them from then on. */
  async function looking(
    answers: readonly CommandResult[],
    action: { readonly healWithinMs?: number } = {},
    options?: { withinMs?: number },
  ) {
    let made = 0;
    const hosts = new PaperHosts([], (command) =>
      command === residue ? answers[Math.min(made++, answers.length - 1)] : { exitCode: 9, output: 'undone' },
    );
    const startedAtMs = performance.now();
    const result = takeBack(hosts, { undo, residue, ...action }, options).then(
      () => ({ tookMs: performance.now() - startedAtMs, error: undefined }),
      (error: unknown) => ({ tookMs: performance.now() - startedAtMs, error: (error as Error).message }),
    );
    await vi.runAllTimersAsync();
    return { ...(await result), asked: hosts.performed };
  }
  const left = { exitCode: 0, output: 'a rule' };

  it('ends with the first look that finds nothing', async () => {
    expect(await looking([left, left, fine, left])).toEqual({
      tookMs: 200,
      error: undefined,
      asked: [undo, residue, undo, residue, undo, residue],
    });
  });
  it('is not clean where something is left, nor where it could not be looked', async () => {
    expect((await looking([left])).error).toBe(
      'waited 5.00 s for the residue of a fault at node-1 to be gone, still lacking: a rule (undo: exit 9 undone)',
    );
    expect((await looking([{ exitCode: 7, output: '' }])).error).toContain('the read-back ended with 7 (undo: exit 9 undone)');
    expect((await looking([notAsked(new Error('no shell'))])).error).toContain('no shell');
  });
  it('takes 5 s at most, or what the action needs, or what is said', async () => {
    expect((await looking([left])).tookMs).toBe(5_000);
    expect((await looking([left], { healWithinMs: 8_000 })).tookMs).toBe(8_000);
    expect((await looking([left], { healWithinMs: 8_000 }, { withinMs: 300 })).tookMs).toBe(300);
    expect(await looking([left], {}, { withinMs: 0 })).toMatchObject({ tookMs: 0, asked: [undo, residue] });
  });
});
