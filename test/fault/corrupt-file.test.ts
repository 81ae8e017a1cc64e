import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { nodesConf } from '../../src/cluster/form.ts';
import type { Command } from '../../src/driver.ts';
import type { Action } from '../../src/fault.ts';
import corruptFile from '../../src/fault/corrupt-file.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';
import { Sandbox } from './sandbox.ts';
import { witness } from './witness.ts';

type Parameters_ = Parameters<typeof corruptFile>[1];
const cluster = paperCluster();
const original = nodesConf(cluster.nodes, cluster.nodes[0] as never, cluster.engine);

const stepOf = (parameters: Parameters_, settings: Record<string, string> = {}, seed = 7) => {
  const fault = corruptFile('node-1', parameters);
  return fault
    .actions(planned(fault, paperCluster('redis', '7.0.15', settings), seed), 't')
    .find(({ do: deed }) => scriptOf(deed).includes('slotquake-file-t/saved'));
};

describe('corrupt-file', () => {
  it('turns one bit of the flags of a line of nodes.conf, whatever the seed, and puts it back', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      using sandbox = new Sandbox();
      writeFileSync(path.join(sandbox.data, 'nodes.conf'), original);
      const step = stepOf({}, {}, seed);
      expect(sandbox.run(step?.do)).toEqual({ exitCode: 0, output: '' });
      const changed = (sandbox.files()['nodes.conf'] ?? '').split('\n');
      const differing = original.split('\n').flatMap((line, index) => (line === changed[index] ? [] : [[line, changed[index] ?? '']]));
      expect(differing).toHaveLength(1);
      const fields = differing[0]?.map((line) => line.split(' ')) ?? [];
      expect(fields[0]?.map((field, index) => (field === fields[1]?.[index] ? null : index)).filter((index) => index !== null)).toEqual([
        2,
      ]);
      expect(sandbox.run(step?.residue).output).toContain('.slotquake-file-t');
      expect(sandbox.run(step?.undo)).toEqual({ exitCode: 0, output: '' });
      expect(sandbox.run(step?.undo)).toEqual({ exitCode: 0, output: '' });
      expect(sandbox.files()).toEqual({ 'nodes.conf': original });
      expect(sandbox.run(step?.residue)).toEqual({ exitCode: 0, output: '' });
    }
  });
  it.each([
    ['truncate', 'the beginning'],
    ['delete', 'nothing'],
  ] as const)('by %s leaves %s, and puts back', (how, expected) => {
    using sandbox = new Sandbox();
    writeFileSync(path.join(sandbox.data, 'nodes.conf'), original);
    const step = stepOf({ how });
    expect(sandbox.run(step?.do)).toEqual({ exitCode: 0, output: '' });
    const left = sandbox.files()['nodes.conf'] ?? '';
    const beginning = left.length > 0 && left.length < original.length && original.startsWith(left);
    expect(beginning ? 'the beginning' : left || 'nothing').toBe(expected);
    sandbox.run(step?.undo);
    expect(sandbox.files()).toEqual({ 'nodes.conf': original });
  });
  it('finds the part of the append-only file that holds something, of either layout', () => {
    const parameters = { which: 'aof', how: 'delete' } as const;
    using folder = new Sandbox();
    mkdirSync(path.join(folder.data, 'appendonlydir'));
    writeFileSync(path.join(folder.data, 'appendonlydir', 'appendonly.aof.1.incr.aof'), '');
    writeFileSync(path.join(folder.data, 'appendonlydir', 'appendonly.aof.1.base.rdb'), 'REDIS');
    expect(folder.run(stepOf(parameters, { appendonly: 'yes' })?.do).exitCode).toBe(0);
    expect(folder.files()).toHaveProperty('appendonlydir/appendonly.aof.1.incr.aof');
    expect(folder.files()).not.toHaveProperty('appendonlydir/appendonly.aof.1.base.rdb');
    using single = new Sandbox();
    writeFileSync(path.join(single.data, 'appendonly.aof'), 'REDIS');
    expect(single.run(stepOf(parameters, { appendonly: 'yes' })?.do).exitCode).toBe(0);
    expect(single.files()).not.toHaveProperty('appendonly.aof');
  });
  it('gives back the rdb that was there before the engine saved another, or none', () => {
    const fault = corruptFile('node-1', { which: 'rdb', how: 'delete' });
    const actions = fault.actions(planned(fault, paperCluster('redis', '7.0.15', {})), 't');
    // What waits for the engine first has no engine to wait for here.
    const onFiles = ({ undo }: Action) => (undo.run === 'sequence' ? (undo.commands.at(-1) as Command) : undo);
    const steps = actions.map((action) => ({ ...action, undo: onFiles(action) })).filter(({ undo }) => scriptOf(undo).includes('/data/'));
    expect(steps).toHaveLength(2);
    for (const before of ['old', null])
      for (const saves of [true, false]) {
        using sandbox = new Sandbox();
        const cli = path.join(sandbox.data, 'cli');
        const dump = path.join(sandbox.data, 'dump.rdb');
        // The engine writes a new file and gives it the old one's name.
        writeFileSync(cli, saves ? `#!/bin/sh\necho new >${dump}.new; mv ${dump}.new ${dump}; echo OK\n` : '#!/bin/sh\necho ERR\n');
        chmodSync(cli, 0o755);
        if (before !== null) writeFileSync(dump, before);
        const run = (command: Parameters<Sandbox['run']>[0]) =>
          sandbox.run({ ...command, script: `CLI=/data/cli; ${scriptOf(command)}` } as never);
        for (const { do: deed } of steps) if (run(deed).exitCode !== 0) break;
        for (const { undo } of steps.toReversed()) expect(run(undo).exitCode).toBe(0);
        for (const { residue } of steps) expect(run(residue)).toEqual({ exitCode: 0, output: '' });
        const { cli: _, ...left } = sandbox.files();
        expect(left).toEqual(before === null ? {} : { 'dump.rdb': before });
      }
  });
  it('refuses a file that this cluster does not load', () => {
    expect(() => stepOf({ which: 'aof' })).toThrow(UsageError);
    expect(() => stepOf({ which: 'rdb' }, { appendonly: 'yes' })).toThrow(/choose 'aof'/);
  });
  it('bites when the file differs and the engine has answered or ended', async () => {
    const fault = corruptFile('node-1');
    const look = (state: Parameters<typeof witness>[0]['state'], ping: string, differs = true) =>
      fault.effect(
        planned(fault),
        't',
        witness({
          ...(state ? { state } : {}),
          read: ({ run }) => (run === 'files' ? { exitCode: differs ? 0 : 1, output: '9 bytes' } : { exitCode: 0, output: ping }),
        }),
      );
    expect(await look({ startedAtEpochMs: 1_500, status: 'exited', exitCode: 1 }, '')).toMatchObject({ bites: true });
    expect(await look({ startedAtEpochMs: 1_500 }, 'PONG')).toMatchObject({ bites: true });
    expect(await look({ startedAtEpochMs: 1_500 }, 'Could not connect')).toMatchObject({ bites: false });
    expect(await look({ startedAtEpochMs: 500 }, 'PONG')).toMatchObject({ bites: false });
    expect(await look({ startedAtEpochMs: 1_500 }, 'PONG', false)).toMatchObject({ bites: false });
  });
});
