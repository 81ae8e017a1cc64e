import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { exclusive } from '../../src/exclusive.ts';
import addressChange from '../../src/fault/address-change.ts';
import { planned } from './planned.ts';
import { Sandbox } from './sandbox.ts';

describe('address-change', () => {
  const actionsOf = (parameters: Parameters<typeof addressChange>[1]) => {
    const fault = addressChange('node-1', parameters);
    return fault.actions(planned(fault), 't');
  };
  it('takes the process for itself before anything else, also where it does not restart it', () => {
    for (const parameters of [{}, { restart: false, announce: 'old' } as const])
      expect(actionsOf(parameters)[0]).toEqual(exclusive('node-1', 't', 'process'));
  });
  it('puts back redis.conf whole, wherever its change was cut off', () => {
    const [announce] = actionsOf({}).filter(({ do: { run } }) => run === 'files');
    const before = { 'redis.conf': 'port 6379\ncluster-announce-ip 10.0.0.11\n' };
    const halves = [{ '.slotquake-t-conf.new': 'po' }, { '.slotquake-t-conf.new': 'po', sedAbCdEf: '' }, {}];
    for (const half of halves) {
      using sandbox = new Sandbox();
      for (const [name, content] of Object.entries({ ...before, ...half })) writeFileSync(path.join(sandbox.data, name), content);
      expect(sandbox.run(announce?.undo).exitCode).toBe(0);
      expect(sandbox.files()).toEqual(before);
      expect(sandbox.run(announce?.do)).toEqual({ exitCode: 0, output: '' });
      expect(sandbox.files()['redis.conf']).not.toBe(before['redis.conf']);
      expect(sandbox.run(announce?.undo).exitCode).toBe(0);
      expect(sandbox.files()).toEqual(before);
    }
  });
  it('moves back while the engine is stopped, starts it, and leaves a paused one to its fault', () => {
    const actions = actionsOf({});
    expect(actions.toReversed().map(({ undo }) => (undo.run === 'if' ? undo.deed.run : undo.run))).toEqual([
      'engine',
      'stop',
      'files',
      'toolbox',
      'stop',
      'start',
      'toolbox',
    ]);
    expect(actions.at(-1)?.undo).toMatchObject({
      condition: { run: 'alive' },
      deed: { script: expect.stringMatching(/SET shutdown-timeout 0/) },
    });
    expect(actions[1]?.residue).toMatchObject({ run: 'if', deed: { state: { status: ['running', 'paused'] } } });
  });
});
