import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, readsVersions, withReads } from '../invariant.ts';

export default {
  name: 'reads-see-own-writes',
  claim: 'A client reads its own acknowledged writes, or something newer, but in the windows that the engine documents.',
  suits: readsVersions,
  check: (timeline, consistency) =>
    withReads(consistency, (reads, count) => {
      return judged(timeline, 'unseenOwnWrites', reads.ownWriteUnseen, {
        none: `every client saw its own writes, in ${count} reads`,
        many: 'own writes were not seen',
        one: ({ key, client, node, doneAtMs, expected, returned }) =>
          `client ${client} had written ${expected} to ${key}, and ${node ?? 'some node'} returned ${returned} at ${formatMs(doneAtMs)}`,
      });
    }),
} satisfies Invariant;
