import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, unknown, withHistory } from '../invariant.ts';

export default {
  name: 'reads-never-go-back',
  claim:
    'A client that has read something of a key never reads something older of it afterwards, but in the windows that the engine documents.',
  suits: ({ workload }) => workload.readShare > 0 && !['queue', 'counters'].includes(workload.kind),
  check: (timeline, consistency) =>
    withHistory(consistency, ({ reads }) => {
      const count = reads.reads.primaries + reads.reads.replicas;
      if (count === 0) return unknown('no read was ever answered');
      return judged(timeline, 'nonMonotonicReads', reads.nonMonotonic, {
        none: `no client ever read something older than before, in ${count} reads`,
        many: 'reads went back',
        one: ({ key, client, node, doneAtMs, expected, returned }) =>
          `client ${client} had seen ${expected} of ${key}, and ${node ?? 'some node'} returned ${returned} at ${formatMs(doneAtMs)}`,
      });
    }),
} satisfies Invariant;
