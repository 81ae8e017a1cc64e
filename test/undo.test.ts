import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Command, CommandResult } from '../src/driver.ts';
import { whileAlive } from '../src/revival.ts';
import { type Look, takeBack } from '../src/undo.ts';

const surgeon = (script: string): Command => ({ run: 'surgeon', node: 'node-1', script });
const inToolbox = (script: string): Command => ({ run: 'toolbox', node: 'node-1', script });

/** A node of which every script runs in a shell here, and whose engine lives or not. */
function node({ alive = true, refusal }: { readonly alive?: boolean; readonly refusal?: CommandResult } = {}) {
  const asked: Command[] = [];
  const perform = (command: Command): Promise<CommandResult> => {
    if (command.run === 'if') return alive ? perform(command.deed) : Promise.resolve({ exitCode: 0, output: '' });
    asked.push(command);
    if (refusal) return Promise.resolve(refusal);
    if (!('script' in command)) throw new Error(command.run);
    const { status, stdout } = spawnSync('sh', ['-c', command.script], { encoding: 'utf8' });
    return Promise.resolve({ exitCode: status ?? 1, output: stdout.trim() });
  };
  return { asked, perform };
}

/** What one look told: of a step that is not clean too. */
async function look(hosts: ReturnType<typeof node>, undo: Command, residue: Command): Promise<Look | undefined> {
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
    expect(hosts.asked).toHaveLength(2);
  });
  it('does both in one container where each would need one, and tells them apart', async () => {
    const hosts = node();
    expect(await look(hosts, surgeon("echo 'it is' undone; exit 3"), surgeon("cat <<'END'\nnothing\nEND\nexit 4"))).toEqual({
      undo: { exitCode: 3, output: 'it is undone' },
      residue: { exitCode: 4, output: 'nothing' },
      clean: false,
    });
    expect(hosts.asked).toHaveLength(1);
    expect((await look(node(), surgeon('false'), surgeon('true')))?.clean).toBe(true);
    expect((await look(node(), surgeon('true'), surgeon('echo left')))?.clean).toBe(false);
    expect((await look(node(), surgeon('true'), surgeon('if')))?.clean).toBe(false);
  });
  it('keeps the condition of both, and has nothing to do where it is not met', async () => {
    const [undo, residue] = [whileAlive(surgeon('true')), whileAlive(surgeon('echo left'))];
    expect((await look(node(), undo, residue))?.clean).toBe(false);
    const dead = node({ alive: false });
    expect((await look(dead, undo, residue))?.clean).toBe(true);
    expect(dead.asked).toEqual([]);
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
      const hosts = node();
      await look(hosts, undo, residue);
      expect(hosts.asked).toHaveLength(2);
    }
  });
  it('is not clean where the container of both could not be had', async () => {
    const refused = { exitCode: 125, output: 'no such image' };
    expect(await look(node({ refusal: refused }), surgeon('true'), surgeon('true'))).toEqual({
      undo: refused,
      residue: refused,
      clean: false,
    });
  });
});
