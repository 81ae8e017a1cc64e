import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { UsageError } from '../src/base/errors.ts';
import { duration, fromWord, parametersOf, parseParameters, percent, port, portsOf } from '../src/parameter.ts';

const schema = z.strictObject({
  delay: duration('added to each packet', '1ms', '10s').prefault('80ms'),
  lossPercent: percent('lost').default(5),
  port: port.default('bus'),
  again: z.boolean().default(false).describe('once more'),
});
const parse = (given: unknown) => parseParameters('the fault x', schema, given);

describe('parameters', () => {
  it('have defaults, and durations become milliseconds', () => {
    expect(parse({})).toEqual({ delay: 80, lossPercent: 5, port: 'bus', again: false });
    expect(parse({ delay: '2s', port: 7_000 })).toMatchObject({ delay: 2_000, port: 7_000 });
  });
  it('that will not do are one sentence: which, what was expected, what came', () => {
    expect(() => parse({ delay: '1h' })).toThrow(/^the fault x needs delay \(added to each packet\): expected a duration .*, got "1h"$/);
    expect(() => parse({ delay: 80 })).toThrow(/delay.*got 80/);
    expect(() => parse({ lossPercent: 101 })).toThrow(/lossPercent.*100.*got 101/);
    expect(() => parse({ dely: '1s' })).toThrow('the fault x has no parameter dely; it has delay, lossPercent, port, again');
    for (const bad of [null, 7, 'x', { port: 'bos' }, { again: 'maybe' }]) expect(() => parse(bad)).toThrow(UsageError);
  });
  it('show themselves to the command line', () => {
    expect(parametersOf(schema)).toMatchObject([
      { name: 'delay', flag: '--delay', type: 'text', fallback: '80ms', required: false },
      { name: 'lossPercent', flag: '--loss-percent', type: 'number', fallback: 5 },
      { name: 'port', choices: ['bus', 'client', 'all'] },
      { name: 'again', type: 'yes or no' },
    ]);
  });
  it('are read from words', () => {
    const [delay, loss, which, again] = parametersOf(schema);
    expect(fromWord('80ms', delay as never)).toBe('80ms');
    expect(fromWord('12', loss as never)).toBe(12);
    expect(fromWord('7000', which as never)).toBe(7_000);
    expect(fromWord('bus', which as never)).toBe('bus');
    expect(fromWord('yes', again as never)).toBe(true);
    expect(fromWord('maybe', again as never)).toBe('maybe');
  });
  it('name ports', () => {
    expect([portsOf('bus'), portsOf('client'), portsOf('all'), portsOf(80)]).toEqual([[16_379], [6_379], 'all', [80]]);
  });
});
