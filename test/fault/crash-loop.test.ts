import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import crashLoop from '../../src/fault/crash-loop.ts';
import { planned } from './planned.ts';
import { Sandbox } from './sandbox.ts';
import { witness } from './witness.ts';

describe('crash-loop', () => {
  const fault = crashLoop('node-4');
  it('takes out its own line of redis.conf and no other', () => {
    using sandbox = new Sandbox();
    const [one, two] = ['a', 'b'].map((tag) => fault.actions(planned(fault), tag)[2]);
    writeFileSync(path.join(sandbox.data, 'redis.conf'), 'port 6379\n');
    sandbox.run(one?.do);
    sandbox.run(two?.do);
    expect(sandbox.run(one?.residue).output).toContain('-a yes');
    sandbox.run(one?.undo);
    sandbox.run(one?.undo);
    expect(sandbox.run(one?.residue)).toEqual({ exitCode: 0, output: '' });
    expect(sandbox.run(two?.residue).output).toContain('-b yes');
    // What sed leaves where it is cut off.
    writeFileSync(path.join(sandbox.data, 'sedAbCdEf'), 'po');
    sandbox.run(two?.undo);
    expect(sandbox.files()).toEqual({ 'redis.conf': 'port 6379\n' });
  });
  it('bites from the second restart on, while nothing answers', async () => {
    const look = (restarts: number, silentMs = 90) => fault.effect(planned(fault), 't', witness({ state: { restarts }, silentMs }));
    expect(await look(2)).toMatchObject({ bites: true });
    expect(await look(1)).toMatchObject({ bites: false });
    expect(await look(2, 0)).toMatchObject({ bites: false });
  });
});
