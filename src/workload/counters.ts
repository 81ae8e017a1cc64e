import { defineWorkload, numberOf, type Request } from '../workload.ts';

const sum = (key: string): Request => ({ verb: 'count', commands: [['GET', key]], answer: ([reply]) => ({ value: numberOf(reply) }) });

export default defineWorkload({
  name: 'counters',
  about: 'counts up and reads the sums: INCR and GET',
  promise: 'every acknowledged increment counts once',
  next: ({ key, read }) =>
    read ? sum(key) : { verb: 'increment', value: -1, commands: [['INCR', key]], answer: ([reply]) => ({ value: numberOf(reply) }) },
  final: (key) => [sum(key)],
});
