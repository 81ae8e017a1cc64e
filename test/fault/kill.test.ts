import { describe, expect, it } from 'vitest';
import kill from '../../src/fault/kill.ts';
import { planned } from './planned.ts';
import { witness } from './witness.ts';

const actions = (parameters: Parameters<typeof kill>[1]) => {
  const fault = kill('node-1', parameters);
  return fault.actions(planned(fault), 't').map(({ do: deed }) => deed);
};

describe('kill', () => {
  it('leaves the start to the heal, or does it at once', () => {
    expect(actions({}).slice(1)).toEqual([{ run: 'kill', node: 'node-1', signal: 'SIGKILL' }]);
    expect(actions({ restart: 'at-once' }).map(({ run }) => run)).toEqual(['toolbox', 'kill', 'start']);
  });
  it('helps an engine that survives its own crash report as process 1', () => {
    expect(actions({ signal: 'SIGSEGV' }).slice(1)).toMatchObject([
      { run: 'sequence', commands: [{ signal: 'SIGSEGV' }, { signal: 'SIGKILL' }] },
    ]);
  });
  it('waits for an engine that waits for its replicas before it ends', () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      expect(actions({ signal })[1]).toMatchObject({ commands: [{ run: 'toolbox' }, { signal, waitMs: 12_000 }, { run: 'toolbox' }] });
    expect(actions({})[1]).not.toHaveProperty('waitMs');
  });
  it('bites when the engine has exited and is silent', async () => {
    const fault = kill('node-1');
    const look = (...seen: Parameters<typeof witness>) => fault.effect(planned(fault), 't', witness(...seen));
    expect(await look({ state: { status: 'exited', exitCode: 137 }, silentMs: 90 })).toMatchObject({ bites: true });
    expect(await look({ state: { status: 'exited', exitCode: 137 } })).toMatchObject({ bites: false });
    expect(await look({ silentMs: 90 })).toMatchObject({ bites: false });
  });
  it('bites, when it is started at once, by another process', async () => {
    const fault = kill('node-1', { restart: 'at-once' });
    const look = (startedAtEpochMs: number) => fault.effect(planned(fault), 't', witness({ state: { startedAtEpochMs } }));
    expect(await look(1_500)).toMatchObject({ bites: true });
    expect(await look(900)).toMatchObject({ bites: false });
  });
  it('refuses signals that an engine as process 1 ignores', () => {
    expect(() => kill('node-1', { signal: 'SIGHUP' as never })).toThrow(/SIGKILL/);
  });
});
