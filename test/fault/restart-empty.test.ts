import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import restartEmpty from '../../src/fault/restart-empty.ts';
import { planned } from './planned.ts';
import { Sandbox } from './sandbox.ts';
import { witness } from './witness.ts';

const before = { 'redis.conf': 'port 6379', 'nodes.conf': 'me', 'dump.rdb': 'data', 'appendonlydir/1.aof': 'more' };

function filled(): Sandbox {
  const sandbox = new Sandbox();
  mkdirSync(path.join(sandbox.data, 'appendonlydir'));
  for (const [name, content] of Object.entries(before)) writeFileSync(path.join(sandbox.data, name), content);
  return sandbox;
}

const stepsOf = (keepNodesConf: boolean, tag = 't') => {
  const fault = restartEmpty('node-1', { keepNodesConf });
  return fault.actions(planned(fault), tag)[2];
};

describe('restart-empty', () => {
  it('wipes everything but redis.conf, and puts it back over what the stranger wrote', () => {
    using sandbox = filled();
    const step = stepsOf(false);
    expect(sandbox.run(step?.do).exitCode).toBe(0);
    expect(Object.keys(sandbox.files()).filter((name) => !name.startsWith('.slotquake'))).toEqual(['redis.conf']);
    expect(sandbox.run(step?.residue).output).toContain('.slotquake-aside-t');
    writeFileSync(path.join(sandbox.data, 'nodes.conf'), 'a stranger');
    writeFileSync(path.join(sandbox.data, 'temp-1.rdb'), 'half');
    expect(sandbox.run(step?.undo)).toEqual({ exitCode: 0, output: '' });
    expect(sandbox.files()).toEqual(before);
    expect(sandbox.run(step?.residue)).toEqual({ exitCode: 0, output: '' });
    expect(sandbox.run(step?.undo)).toEqual({ exitCode: 0, output: '' });
    expect(sandbox.files()).toEqual(before);
  });
  it('may keep nodes.conf in place, and restores it as it was', () => {
    using sandbox = filled();
    const step = stepsOf(true);
    expect(sandbox.run(step?.do).exitCode).toBe(0);
    expect(Object.keys(sandbox.files()).filter((name) => !name.startsWith('.slotquake'))).toEqual(['nodes.conf', 'redis.conf']);
    writeFileSync(path.join(sandbox.data, 'nodes.conf'), 'me, later');
    sandbox.run(step?.undo);
    expect(sandbox.files()).toEqual(before);
  });
  it('removes nothing when it was only half put aside', () => {
    using sandbox = filled();
    mkdirSync(path.join(sandbox.data, '.slotquake-aside-t'));
    writeFileSync(path.join(sandbox.data, '.slotquake-aside-t', 'moved.rdb'), 'x');
    sandbox.run(stepsOf(false)?.undo);
    expect(sandbox.files()).toEqual({ ...before, 'moved.rdb': 'x' });
  });
  it('takes no half of a copy for what was kept in place', () => {
    using sandbox = filled();
    mkdirSync(path.join(sandbox.data, '.slotquake-aside-t'));
    writeFileSync(path.join(sandbox.data, '.slotquake-aside-t', 'nodes.conf'), '');
    expect(sandbox.run(stepsOf(true)?.undo)).toEqual({ exitCode: 0, output: '' });
    expect(sandbox.files()).toEqual(before);
  });
  it('bites when a stranger without keys answers, or with nodes.conf the same member', async () => {
    const look = (keepNodesConf: boolean, output: string) => {
      const fault = restartEmpty('node-1', { keepNodesConf });
      return fault.effect(planned(fault), 't', witness({ state: { startedAtEpochMs: 1_001 }, read: () => ({ exitCode: 0, output }) }));
    };
    const { ids } = planned(restartEmpty('node-1'));
    const stranger = 'f'.repeat(40);
    expect(await look(false, `${stranger}\n0\nmaster`)).toMatchObject({ bites: true });
    expect(await look(false, `${ids[0]}\n0\nmaster`)).toMatchObject({ bites: false });
    expect(await look(false, `${stranger}\n7\nmaster`)).toMatchObject({ bites: false });
    expect(await look(true, `${ids[0]}\n0\nmaster`)).toMatchObject({ bites: true });
    expect(await look(true, `${ids[0]}\n7\nslave`)).toMatchObject({ bites: true });
    expect(await look(false, 'Could not connect')).toMatchObject({ bites: false });
  });
});
