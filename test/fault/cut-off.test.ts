import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { files, toolbox } from '../../src/driver.ts';
import { allFaults } from '../../src/faults.ts';
import { exampleOf } from './contract.ts';
import { carriedOutIn, commandsIn, cutOff, divisible, leavesHalves, type ScriptCommand, scriptsIn } from './cut-off.ts';
import { planned, scriptOf } from './planned.ts';
import { Sandbox } from './sandbox.ts';

const actionsOf = [...(await allFaults())].map(([name, maker]) => {
  const { fault } = exampleOf(maker);
  return [name, fault.actions(planned(fault) as never, 't')] as const;
});

describe('a script that is cut off', () => {
  const script = (text: string) => files('node-1', text) as ScriptCommand;
  /** Leads a process group of its own, as the shells of toolboxes do: what ends the group ends only this. */
  const runUntil = (whole: ScriptCommand, after: number, sandbox: Sandbox) => {
    const cut = scriptOf(cutOff(whole, whole, after))
      .replaceAll('/dev/shm', sandbox.data)
      .replaceAll('/data', sandbox.data);
    const { stdout, signal } = spawnSync('setsid', ['-w', 'sh', '-c', cut], {
      encoding: 'utf8',
      env: { ...process.env, CLI: 'echo told' },
    });
    return { output: stdout, signal };
  };

  it('has carried out so many of its commands, and not the next', () => {
    const whole = script(`mkdir /data/a && echo b >/data/b
twice() { touch /data/never || true; $CLI >/data/c; rm /data/b; }
twice`);
    const left = [0, 1, 2, 3, 4].map((after) => {
      using sandbox = new Sandbox();
      runUntil(whole, after, sandbox);
      return readdirSync(sandbox.data)
        .filter((name) => !name.startsWith('commands-'))
        .join(' ');
    });
    // The shell makes the file before the command that is to fill it.
    expect(left).toEqual(['', 'a b', 'a b c never', 'a b c never', 'a c never']);
  });
  it('says how many there were where it came to its end', () => {
    using sandbox = new Sandbox();
    const { output, signal } = runUntil(script('mkdir /data/a; for each in 1 2 3; do rm -f /data/$each; done; exit 3'), 9, sandbox);
    expect({ commands: carriedOutIn(output), signal }).toEqual({ commands: 4, signal: null });
    expect(carriedOutIn(runUntil(script('mkdir /data/a'), 0, sandbox).output)).toBe(0);
  });
});

describe('the commands of a script', () => {
  it.each([
    ['true', 0],
    ['[ -e x ] || rm x', 1],
    ['ln -s a b 2>/dev/null || { echo "held"; exit 1; }', 1],
    ['echo a >"$file"; cat b', 2],
    ['if [ -e x ]; then rm x; else mkdir x; fi', 2],
    ['reply=$($CLI PING)\nREDISCLI_AUTH=x $CLI PING', 2],
    ['iptables -L | iptables-restore', 2],
    ['rmdirs x; ./rm y; grep kill z', 0],
  ])('are counted where a command may stand: %s', (script, count) => expect(commandsIn({ script })).toBe(count));
  it.each([
    ['rm a', false],
    ['rm a; rm b', true],
    ['for each in a b; do rm $each; done', true],
    ['gone() { rm "$1"; }\ngone a; gone b', true],
    ['for each in a b; do test -e $each; done', false],
  ])('can be carried out in part where there are several, or one again and again: %s', (script, expected) =>
    expect(divisible({ script })).toBe(expected),
  );
  it.each(actionsOf)('are all known: a script of %s that does something has one', (_, actions) => {
    for (const { do: deed } of actions) for (const script of scriptsIn(deed)) expect(commandsIn(script), script.script).toBeGreaterThan(0);
  });
});

describe('a fault', () => {
  it('has halves where one of its scripts has, in the deed or in its undo', () => {
    const [one, two] = [toolbox('node-1', 'rm a'), toolbox('node-1', 'rm a; rm b')];
    const of = (deed: typeof one, undo: typeof one) => [{ do: deed, undo, residue: one }];
    expect([of(one, one), of(two, one), of(one, two)].map(leavesHalves)).toEqual([false, true, true]);
    expect(leavesHalves([{ do: { run: 'kill', node: 'node-1', signal: 'SIGKILL' }, undo: one, residue: two }])).toBe(false);
  });
  it('has none where the container engine does it, and some in most', () => {
    const whole = actionsOf.filter(([, actions]) => !leavesHalves(actions)).map(([name]) => name);
    expect(whole).toEqual(expect.arrayContaining(['pause', 'cpu-throttle']));
    expect(whole).not.toContain('block-bus');
    expect(whole.length).toBeLessThan(actionsOf.length / 3);
  });
});
