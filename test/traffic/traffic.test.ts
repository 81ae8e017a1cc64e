import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hasNetemScript, selectors, shape, type Shape, shapeScript, type Traffic, type Way } from '../../src/traffic.ts';

const everything: Traffic = { ports: 'all', direction: 'both', peers: 'all' };
const chosen: Traffic = { ports: [6379, 16_379], direction: 'both', peers: ['10.0.0.2', '10.0.0.3'] };
const full: Partial<Shape> = {
  delayMs: 50,
  jitterMs: 5,
  distribution: 'normal',
  lossPercent: 1,
  duplicatePercent: 2,
  reorderPercent: 3,
  corruptPercent: 4,
};
const parts = ['do', 'undo', 'residue', 'counters'] as const;
const ways: readonly Way[] = ['nfqueue', 'netem'];

describe('selectors', () => {
  it('match a port as source and as destination of each peer', () =>
    expect(selectors({ ...chosen, ports: [6379] }, 'out')).toEqual([
      '-d 10.0.0.2 -p tcp --dport 6379',
      '-d 10.0.0.2 -p tcp --sport 6379',
      '-d 10.0.0.3 -p tcp --dport 6379',
      '-d 10.0.0.3 -p tcp --sport 6379',
    ]));
  it('match all of a peer without ports', () =>
    expect(selectors({ ...chosen, ports: 'all' }, 'in')).toEqual(['-s 10.0.0.2', '-s 10.0.0.3']));
  it('leave loopback out when everything is chosen', () => {
    expect(selectors(everything, 'in')).toEqual(['! -i lo']);
    expect(selectors({ ...everything, ports: [1] }, 'out')).toEqual(['! -o lo -p tcp --dport 1', '! -o lo -p tcp --sport 1']);
  });
  it('match nothing in the direction that is not wanted', () => {
    expect(selectors({ ...everything, direction: 'in' }, 'out')).toEqual([]);
    expect(selectors({ ...everything, direction: 'out' }, 'in')).toEqual([]);
  });
});

describe.each(ways)('the scripts of %s', (way) => {
  const script = (wish: Partial<Shape> = full, tag = 'abcdefghij-1', traffic = chosen): ReturnType<typeof shapeScript> =>
    shapeScript(way, tag, traffic, shape(wish), 7);

  it('are the same for the same wish', () => expect(script()).toEqual(script()));
  it.each(parts)('are shell that can be read: %s', (part) => {
    expect(() => execFileSync('sh', ['-n', '-c', script()[part]], { stdio: 'pipe' })).not.toThrow();
  });
  it('use no name that is too long', () => {
    const text = Object.values(script()).join('\n');
    for (const [name] of text.matchAll(/SLOTQUAKE-[A-Za-z0-9-]+/g)) expect(name.length, name).toBeLessThanOrEqual(28);
    for (const [name] of text.matchAll(/\bsq[io][a-z0-9-]+/g)) expect(name.length, name).toBeLessThanOrEqual(15);
  });
  it('flush nothing that could be foreign', () => {
    for (const part of parts) {
      expect(script()[part]).not.toMatch(/-F (INPUT|OUTPUT|PREROUTING|POSTROUTING|FORWARD)|iptables -t \S+ -F *$/m);
      expect(script()[part]).not.toMatch(/qdisc del dev \S+ root/);
    }
  });
  it('refuse a tag that is no name', () => {
    for (const tag of ['', 'Upper', 'a b', 'abcdefghijklm', "a'"]) expect(() => script({ delayMs: 1 }, tag)).toThrow(/expected a tag/);
  });
  it('refuse to choose no packet', () => expect(() => script({ delayMs: 1 }, 'a', { ...chosen, ports: [] })).toThrow(/at least one port/));
});

describe('a shape', () => {
  it('is nothing but what was wished', () =>
    expect(shape({ delayMs: 5 })).toEqual({
      delayMs: 5,
      jitterMs: 0,
      distribution: 'uniform',
      lossPercent: 0,
      duplicatePercent: 0,
      reorderPercent: 0,
      corruptPercent: 0,
    }));
  it.each([
    [{ lossPercent: 101 }, /lossPercent from 0 to 100, got 101/],
    [{ delayMs: -1 }, /delayMs from 0/],
    [{ jitterMs: Number.NaN }, /jitterMs from 0/],
  ])('refuses %j', (wish, message) => expect(() => shape(wish)).toThrow(message));
});

describe('nfqueue', () => {
  const wishes: readonly Partial<Shape>[] = [{ delayMs: 1 }, { lossPercent: 1 }, full];
  const rulesOf = (wish: Partial<Shape>): string[] =>
    shapeScript('nfqueue', 'a', chosen, shape(wish), 1)
      .do.split('\n')
      .filter((line) => line.startsWith('-A') || line.startsWith('-I'));

  it('lets packets pass where nobody holds them', () => {
    for (const wish of wishes) {
      const queueing = rulesOf(wish).filter((rule) => rule.includes('-j NFQUEUE'));
      expect(queueing.length).toBeGreaterThan(0);
      for (const rule of queueing) expect(rule).toMatch(/ --queue-bypass$/);
    }
  });
  it('holds no packet twice: what was held is marked before, and returned before it is chosen', () => {
    for (const wish of wishes) {
      const rules = rulesOf(wish);
      const queue = rules.findIndex((rule) => rule.startsWith('-A SLOTQUAKE-a-Q -j NFQUEUE'));
      expect(rules[queue - 1]).toBe('-A SLOTQUAKE-a-Q -j MARK --or-mark $seen');
      for (const name of ['IN', 'OUT']) {
        const own = rules.filter((rule) => rule.startsWith(`-A SLOTQUAKE-a-${name} `));
        const returned = own.indexOf(`-A SLOTQUAKE-a-${name} -m mark --mark $seen/$seen -j RETURN`);
        const chosenFirst = own.findIndex((rule) => / -[ds] 10\.0\.0\.2 .*-j SLOTQUAKE-a-(Q|OUT-F)$/.test(rule));
        expect(returned).toBeGreaterThanOrEqual(0);
        expect(chosenFirst).toBeGreaterThan(returned);
      }
    }
  });
  it('takes the rules away before the holder, so that nothing is queued for nobody', () => {
    const { undo } = shapeScript('nfqueue', 'a', chosen, shape({ delayMs: 1 }), 1);
    expect(undo.indexOf('iptables-restore')).toBeGreaterThan(0);
    expect(undo.indexOf('kill -$signal')).toBeGreaterThan(undo.indexOf('iptables-restore'));
  });
  it('sends copies to a named peer only', () => {
    expect(() => shapeScript('nfqueue', 'a', everything, shape({ duplicatePercent: 1 }), 1)).toThrow(/by address on the way out/);
    expect(shapeScript('nfqueue', 'a', { ...everything, direction: 'in' }, shape({ duplicatePercent: 1 }), 1).do).toContain('TEE');
    expect(shapeScript('nfqueue', 'a', everything, shape({ delayMs: 1 }), 1).do).not.toContain('TEE');
  });
});

describe('netem', () => {
  const netem = (wish: Partial<Shape>): string =>
    /root netem(.*?); \}/.exec(shapeScript('netem', 'a', { ...everything, direction: 'out' }, shape(wish), 1).do)?.[1] as string;

  it.each<[Partial<Shape>, string]>([
    [full, ' limit 100000 delay 50ms 5ms distribution normal reorder 3% loss 1% duplicate 2% corrupt 4%'],
    [{ delayMs: 50, jitterMs: 5 }, ' limit 100000 delay 50ms 5ms'],
    [{ jitterMs: 5, reorderPercent: 1 }, ' limit 100000 delay 1us 5ms reorder 1%'],
    [{ reorderPercent: 20 }, ' limit 100000 delay 10ms reorder 80%'],
    [{ lossPercent: 1 }, ' limit 100000 loss 1%'],
  ])('is told %j in its own words', (wish, words) => expect(netem(wish)).toBe(words));
  it('is looked for by a script that can be read', () =>
    expect(() => execFileSync('sh', ['-n', '-c', hasNetemScript], { stdio: 'pipe' })).not.toThrow());
});
