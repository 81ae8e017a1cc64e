import { describe, expect, it } from 'vitest';
import { bytesOf, factorText, scaleValue, showValue, sizeText } from '../../src/conf/scale.ts';

describe('sizes', () => {
  const sizes: readonly (readonly [text: string, bytes: number | undefined])[] = [
    ['1024', 1024],
    ['1k', 1000],
    ['1kb', 1024],
    ['1KB', 1024],
    ['3m', 3_000_000],
    ['3Mb', 3 * 2 ** 20],
    ['2g', 2e9],
    ['2gb', 2 ** 31],
    ['7b', 7],
    ['1tb', undefined],
    ['1.5gb', undefined],
    ['-1', undefined],
    ['5%', undefined],
    ['', undefined],
  ];
  for (const [text, bytes] of sizes)
    it(`are ${bytes} in ${JSON.stringify(text)}, as for the engine`, () => expect(bytesOf(text)).toBe(bytes));
  it('are shown in the unit that says them without loss', () => {
    expect([0, 100, 65_536, 2 ** 20, 5 * 2 ** 30, 2 ** 20 + 1].map(sizeText)).toEqual(['0', '100', '64kb', '1mb', '5gb', '1048577']);
  });
});

describe('a value', () => {
  const classes = 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60';
  const scaled: readonly (readonly [name: string, value: string, factor: number, text: string])[] = [
    ['cluster-node-timeout', '15000', 2 / 15, '2000'],
    ['repl-backlog-size', '1mb', 1 / 16, '65536'],
    ['maxmemory', '0', 1 / 64, '0'],
    ['maxmemory', '6442450944', 1 / 64, '100663296'],
    ['maxmemory-clients', '5%', 1 / 64, '5%'],
    ['client-output-buffer-limit', classes, 1 / 64, 'normal 0 0 0 slave 4194304 1048576 60 pubsub 524288 131072 60'],
    ['client-output-buffer-limit', 'replica 512mb 128mb 120', 1 / 64, 'replica 8388608 2097152 120'],
    ['save', '3600 1 300 100 60 10000', 1 / 60, '60 1 5 2 1 167'],
    ['save', '', 1 / 60, ''],
    ['min-replicas-max-lag', '10', 1 / 10, '1'],
    ['min-slaves-max-lag', '20', 1 / 10, '2'],
    ['appendonly', 'yes', 1 / 10, 'yes'],
    ['list-max-listpack-size', '-2', 1 / 2, '-2'],
    ['maxmemory', '3gb', 1, '3gb'],
  ];
  for (const [name, value, factor, text] of scaled)
    it(`of ${name} ${JSON.stringify(value)} becomes ${JSON.stringify(text)} times ${factorText(factor)}`, () =>
      expect(scaleValue(name, value, factor).text).toBe(text));

  it('never becomes 0 by scaling, which would turn it off, and says so', () => {
    expect(scaleValue('min-replicas-max-lag', '3', 1 / 10)).toEqual({ text: '1', remark: 'the least there is' });
    expect(scaleValue('min-replicas-max-lag', '10', 1 / 10).remark).toBe('');
  });
  it('says what it was rounded from where that is much', () => {
    expect(scaleValue('min-replicas-max-lag', '15', 1 / 10)).toEqual({ text: '2', remark: 'rounded from 1.5' });
    expect(scaleValue('save', '3600 10000', 1 / 60).remark).toBe('');
    expect(scaleValue('min-replicas-max-lag', '5', 1 / 10).remark).toBe('the least there is');
  });
  it('of less than a second is remarked on, for the ticks of the engine do not scale', () => {
    expect(scaleValue('cluster-node-timeout', '5000', 2 / 15)).toEqual({
      text: '667',
      remark: expect.stringContaining("the engine's own ticks"),
    });
    expect(scaleValue('cluster-node-timeout', '500', 1).remark).toBe('');
  });
  it('is shown as people write it', () => {
    expect(showValue('client-output-buffer-limit', classes)).toBe('normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60');
    expect(showValue('maxmemory', '6442450944')).toBe('6gb');
    expect(showValue('save', '')).toBe('""');
    expect(showValue('cluster-node-timeout', '15000')).toBe('15000');
  });
});

describe('a factor', () => {
  const factors: readonly (readonly [factor: number, text: string])[] = [
    [1, '1'],
    [1 / 64, '1/64'],
    [2 / 15, '2/15'],
    [5, '5'],
    [0.123456789, '0.123'],
  ];
  for (const [factor, text] of factors) it(`of ${factor} is ${text}`, () => expect(factorText(factor)).toBe(text));
});
