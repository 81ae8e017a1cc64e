import { defineWorkload, numberOf, valueOf } from '../workload.ts';

export default defineWorkload({
  name: 'registers',
  about: 'writes values that are never the same twice, and reads them: SET and GET',
  promise: 'every key behaves as if there were one copy of it: linearizable',
  next: ({ id, key, read, workload }) =>
    read
      ? { verb: 'get', commands: [['GET', key]], answer: ([reply]) => ({ value: numberOf(reply) }) }
      : { verb: 'set', value: id, commands: [['SET', key, valueOf(id, workload.valueBytes)]] },
  final: (key) => [{ verb: 'get', commands: [['GET', key]], answer: ([reply]) => ({ value: numberOf(reply) }) }],
});
