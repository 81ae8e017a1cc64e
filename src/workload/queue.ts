import { defineWorkload, numberOf, numbersOf, type Request, valueOf } from '../workload.ts';

const taken = (key: string): string => `${key}:taken`;
const left = (key: string): Request => ({
  verb: 'range',
  key,
  commands: [['LRANGE', key, '0', '-1']],
  answer: ([reply]) => ({ values: numbersOf(reply) }),
});

/** The reliable queue of the engine's own manual: what is taken stays in a second list until it is worked off. */
export default defineWorkload({
  name: 'queue',
  about: 'produces and consumes with acknowledgement: LPUSH, RPOPLPUSH to a list of what is taken, LREM when it is worked off',
  promise: 'every acknowledged message is delivered, and none is delivered twice',
  next({ id, key, read, workload, taken: mine }) {
    if (!read) return { verb: 'push', value: id, commands: [['LPUSH', key, valueOf(id, workload.valueBytes)]] };
    const message = mine.get(key);
    if (message === undefined)
      return {
        verb: 'take',
        commands: [['RPOPLPUSH', key, taken(key)]],
        answer: ([reply]) => {
          const value = numberOf(reply);
          if (value >= 0) mine.set(key, value);
          return { value };
        },
      };
    mine.delete(key);
    return { verb: 'finish', value: message, commands: [['LREM', taken(key), '1', valueOf(message, workload.valueBytes)]] };
  },
  final: (key) => [left(key), left(taken(key))],
});
