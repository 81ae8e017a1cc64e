import * as z from 'zod';
import type { Command, Reply } from '../resp.ts';
import { defineWorkload, numberOf, numbersOf, type Request, valueOf } from '../workload.ts';

const halves = (key: string): readonly [string, string] => [`${key}:a`, `${key}:b`];
const script = "redis.call('SET', KEYS[1], ARGV[1]); redis.call('SET', KEYS[2], ARGV[1]); return 'OK'";

const multi = (commands: readonly Command[]): readonly Command[] => [['MULTI'], ...commands, ['EXEC']];
/** What EXEC returned, the last reply but for WAIT. */
const executed = (replies: readonly Reply[]): readonly Reply[] =>
  replies.find((reply): reply is readonly Reply[] => Array.isArray(reply)) ?? [];

const both = (key: string): Request => {
  const [a, b] = halves(key);
  return { verb: 'get-pair', commands: [['MGET', a, b]], answer: ([reply]) => ({ values: numbersOf(reply) }) };
};

export default defineWorkload({
  name: 'transactions',
  about: 'writes the same value to two keys of one hash tag at once, by MULTI or by a script, and reads both',
  promise: 'both keys always have the same value: all of a transaction, or nothing',
  extra: z.strictObject({ by: z.enum(['multi', 'script', 'both']).default('both').describe('how the two are written together') }),
  next({ id, key, read, random, workload }) {
    const [a, b] = halves(key);
    const value = valueOf(id, workload.valueBytes);
    const byScript = workload.extra['by'] === 'both' ? random.integer(0, 1) === 0 : workload.extra['by'] === 'script';
    if (read && !byScript) return both(key);
    if (read)
      return {
        verb: 'get-pair',
        commands: multi([
          ['GET', a],
          ['GET', b],
        ]),
        answer: (replies) => ({ values: executed(replies).map(numberOf) }),
      };
    if (byScript) return { verb: 'set-pair', value: id, commands: [['EVAL', script, '2', a, b, value]] };
    return {
      verb: 'set-pair',
      value: id,
      commands: multi([
        ['SET', a, value],
        ['SET', b, value],
      ]),
    };
  },
  final: (key) => [both(key)],
});
