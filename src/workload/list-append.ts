import { defineWorkload, numbersOf, type Request, valueOf } from '../workload.ts';

const all = (key: string): Request => ({
  verb: 'range',
  commands: [['LRANGE', key, '0', '-1']],
  answer: ([reply]) => ({ values: numbersOf(reply) }),
});

export default defineWorkload({
  name: 'list-append',
  about: 'appends to lists and reads them whole: RPUSH and LRANGE',
  promise: 'every acknowledged element is there once, in the order in which they were appended',
  next: ({ id, key, read, workload }) =>
    read ? all(key) : { verb: 'append', value: id, commands: [['RPUSH', key, valueOf(id, workload.valueBytes)]] },
  final: (key) => [all(key)],
});
