import { defineWorkload, type WorkloadKind } from '../workload.ts';
import counters from './counters.ts';
import listAppend from './list-append.ts';
import registers from './registers.ts';
import setAdd from './set-add.ts';

/** Twelve in twenty are registers, the rest are what grows: lists, sets and counters. */
const parts = [...Array<WorkloadKind>(12).fill(registers.kind), listAppend.kind, listAppend.kind, setAdd.kind, setAdd.kind, setAdd.kind]
  .concat(Array<WorkloadKind>(3).fill(counters.kind))
  .map((kind) => ({ kind, prefix: kind.name }));

const own = (prefix: string, key: string): string => `${prefix}/${key}`;

export default defineWorkload({
  name: 'mixed',
  about: 'a bit of everything: values from 8 bytes to `valueBytes`, long lists and sets, counters; with zipf also hot keys',
  promise: 'what each of its parts promises',
  next(step) {
    const { kind, prefix } = step.random.pick(parts);
    // Sizes are spread over their orders of magnitude: most are small, and some are as large as they may be.
    const largest = Math.log2(Math.max(8, step.workload.valueBytes));
    const valueBytes = Math.round(2 ** (3 + (step.random.integer(0, 1_000) / 1_000) * (largest - 3)));
    const key = own(prefix, step.key);
    return { ...kind.next({ ...step, key, workload: { ...step.workload, valueBytes } }), key };
  },
  final: (key) =>
    [registers.kind, listAppend.kind, setAdd.kind, counters.kind].flatMap((kind) =>
      kind.final(own(kind.name, key)).map((request) => ({ key: own(kind.name, key), ...request })),
    ),
});
