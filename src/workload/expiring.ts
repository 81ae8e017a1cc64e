import * as z from 'zod';
import { whole } from '../parameter.ts';
import { defineWorkload, numberOf, type Request, valueOf } from '../workload.ts';

const now = (key: string): Request => ({
  verb: 'get-expiring',
  commands: [['GET', key]],
  answer: ([reply]) => ({ value: numberOf(reply) }),
});

export default defineWorkload({
  name: 'expiring',
  about: 'writes values that end after a time, and reads them: SET PX and GET',
  promise: 'a value is there until its time is over, and not after it',
  extra: z.strictObject({ ttlMs: whole('how long a value lives', 1, 3_600_000).default(2_000) }),
  next({ id, key, read, workload }) {
    if (read) return now(key);
    const ttlMs = workload.extra['ttlMs'] as number;
    return {
      verb: 'set-expiring',
      value: id,
      values: [ttlMs],
      commands: [['SET', key, valueOf(id, workload.valueBytes), 'PX', `${ttlMs}`]],
    };
  },
  final: (key) => [now(key)],
});
