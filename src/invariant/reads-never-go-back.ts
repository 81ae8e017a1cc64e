import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, readsVersions, withReads } from '../invariant.ts';

export default {
  name: 'reads-never-go-back',
  claim:
    'A client that has read something of a key never reads something older of it afterwards, but in the windows that the engine documents.',
  suits: readsVersions,
  check: (timeline, consistency) =>
    withReads(consistency, (reads, count) => {
      return judged(timeline, 'nonMonotonicReads', reads.nonMonotonic, {
        none: `no client ever read something older than before, in ${count} reads`,
        many: 'reads went back',
        one: ({ key, client, node, doneAtMs, expected, returned }) =>
          `client ${client} had seen ${expected} of ${key}, and ${node ?? 'some node'} returned ${returned} at ${formatMs(doneAtMs)}`,
      });
    }),
} satisfies Invariant;
