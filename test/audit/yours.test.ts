import { describe, expect, it } from 'vitest';
import { understand } from '../../src/audit/yours.ts';
import type { Conf } from '../../src/conf.ts';
import type { EngineSettings } from '../../src/conf/engine.ts';

const defaults = {
  maxmemory: '0',
  'maxmemory-policy': 'noeviction',
  'replica-priority': '100',
  'slave-priority': '100',
  hz: '10',
  bind: '* -::*',
  requirepass: '',
  masterauth: '',
  save: '3600 1',
  'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
};

/** An engine that takes what it is told, but for what contains the word `refused`. */
function engine() {
  const asked: (readonly string[])[] = [];
  const ask = async (lines: readonly string[]): Promise<EngineSettings> => {
    asked.push(lines);
    const refused = lines.flatMap((line, index) => (line.includes('refused') ? [{ index, because: 'argument must be good' }] : []));
    const values: Record<string, string> = { ...defaults };
    for (const [index, line] of lines.entries()) {
      const [name = '', ...words] = line.split(' ');
      if (!refused.some((refusal) => refusal.index === index)) values[name] = words.join(' ').replaceAll('"', '');
    }
    return { values, refused };
  };
  return { asked, ask };
}
const conf = (text: string, kind: Conf['kind'] = 'file'): Conf => ({
  file: 'redis.conf',
  kind,
  remarks: [],
  settings: text.split('\n').map((line, index) => {
    const [name = '', ...values] = line.split(' ');
    return { name, values: kind === 'dump' ? [values.join(' ')] : values, at: `redis.conf:${index + 1}` };
  }),
});
const understood = (text: string, { kind, wanted = [] }: { kind?: Conf['kind']; wanted?: readonly string[] } = {}) => {
  const { asked, ask } = engine();
  return understand(conf(text, kind), wanted, ask, 'redis 7.0.15').then((yours) => ({ ...yours, asked }));
};

describe('the settings of a user', () => {
  it('are read by the engine, under its names, the last line where only one counts', async () => {
    const { asked, values, setAt, offered } = await understood(
      'cluster-enabled yes\nhz 20\nslave-priority 1\nhz 30\nsave 900 1\nsave 60 5',
    );
    expect(asked).toEqual([[], ['replica-priority 1', 'hz 30', 'save 900 1', 'save 60 5']]);
    expect(values['hz']).toBe('30');
    expect(setAt).toEqual({ 'replica-priority': ['redis.conf:3'], hz: ['redis.conf:4'], save: ['redis.conf:5', 'redis.conf:6'] });
    expect(offered).toEqual(['replica-priority', 'hz', 'save']);
  });
  it('are as many as a file may hold', async () => {
    const many = Array.from({ length: 40_000 }, (_, index) => `unknown-${index} 1`).join('\n');
    expect((await understood(`cluster-enabled yes\n${many}`, { kind: 'dump' })).warnings).toHaveLength(40_000);
  });
  it('are not offered where they are the default', async () => {
    expect((await understood('cluster-enabled yes\nhz 10')).offered).toEqual([]);
  });
  it('are warned about with their lines where the engine knows or takes them not', async () => {
    const { warnings, asked } = await understood('cluster-enabled yes\nmaxmemroy 1gb\nhz refused # twice');
    expect(warnings).toEqual([
      { at: 'redis.conf:2', directive: 'maxmemroy', because: 'redis 7.0.15 has no such directive (did you mean maxmemory?); left out' },
      {
        at: 'redis.conf:3',
        directive: 'hz',
        because: 'redis 7.0.15 refuses it: argument must be good (a comment needs a line of its own); left out',
      },
    ]);
    expect(asked[1]).toEqual(['hz refused "#" twice']);
  });
  it('are kept apart with the reason where containers cannot have them', async () => {
    const { apart, asked } = await understood(
      'cluster-enabled yes\nport 7000\nbind * -::*\nbind 10.0.0.1\nrequirepass \nuser alice on\nuser bob on',
    );
    expect(apart.map(({ directive }) => directive)).toEqual(['port', 'bind', 'user', 'user']);
    expect(apart.every(({ because }) => because !== '')).toBe(true);
    expect(asked[1]).toEqual([]);
  });
  it('are not kept apart where an experiment scales them', async () => {
    const { apart, values, setAt } = await understood('cluster-enabled yes\nmasterauth s3cret', { wanted: ['masterauth'] });
    expect(apart).toEqual([]);
    expect(values['masterauth']).toBe('s3cret');
    expect(setAt['masterauth']).toEqual(['redis.conf:2']);
  });
  it('say nothing in a dump where they are the default, and are taken to pieces where they add up', async () => {
    const { asked, apart } = await understood(
      'hz 10\nmaxmemory 5\nrequirepass \nbind * -::*\nport 1\nsave 900 1 60 5\nclient-output-buffer-limit normal 0 0 0 slave 1 1 1',
      { kind: 'dump' },
    );
    expect(asked[1]).toEqual([
      'maxmemory 5',
      'save 900 1',
      'save 60 5',
      'client-output-buffer-limit normal 0 0 0',
      'client-output-buffer-limit slave 1 1 1',
    ]);
    expect(apart.map(({ directive }) => directive)).toEqual(['port']);
  });
  it('are remarked on where the file turns no cluster mode on', async () => {
    expect((await understood('hz 20')).warnings).toMatchObject([{ at: 'redis.conf', directive: 'cluster-enabled' }]);
    expect((await understood('cluster-enabled no')).warnings).toHaveLength(1);
    expect((await understood('cluster-enabled YES')).warnings).toEqual([]);
    expect((await understood('cluster-enabled no\ncluster-enabled yes')).warnings).toEqual([]);
    expect((await understood('cluster-enabled yes\ncluster-enabled no')).warnings).toMatchObject([{ at: 'redis.conf:2' }]);
    expect((await understood('cluster-enabled no\nhz 20', { kind: 'dump' })).warnings).toMatchObject([{ at: 'redis.conf:1' }]);
    expect((await understood('hz 20', { kind: 'dump' })).warnings).toEqual([]);
  });
});
