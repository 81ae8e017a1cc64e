import { defineWorkload, numbersOf, type Request, valueOf } from '../workload.ts';

const all = (key: string): Request => ({
  verb: 'members',
  commands: [['SMEMBERS', key]],
  answer: ([reply]) => ({ values: numbersOf(reply) }),
});

export default defineWorkload({
  name: 'set-add',
  about: 'adds to sets and reads them whole: SADD and SMEMBERS',
  promise: 'every acknowledged element is there: what is lost is counted exactly',
  next: ({ id, key, read, workload }) =>
    read ? all(key) : { verb: 'add', value: id, commands: [['SADD', key, valueOf(id, workload.valueBytes)]] },
  final: (key) => [all(key)],
});
