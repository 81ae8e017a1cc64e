import { formatMs } from '../base/duration.ts';
import { type Invariant, judged, unknown, withHistory } from '../invariant.ts';

export default {
  name: 'values-expire-in-time',
  claim: 'A value is there until its time is over, and not after it, but in the windows that the engine documents.',
  suits: ({ workload }) => workload.kind === 'expiring',
  check: (timeline, consistency) =>
    withHistory(consistency, ({ expiry, reads: { reads } }) => {
      if (expiry.acknowledged === 0) return unknown('no value was ever acknowledged');
      const missing = judged(
        timeline,
        'lostWrites',
        {
          total: expiry.early.total + expiry.lost.total,
          outside: expiry.early.outside + expiry.lost.outside,
          examples: [...expiry.lost.examples, ...expiry.early.examples],
        },
        { none: '', many: 'values were gone before their time', one: ({ id, key, node }) => `${id} of ${key} at ${node ?? 'some node'}` },
      );
      if (missing.outcome === 'violated') return missing;
      const finding = judged(timeline, 'livingDead', expiry.late, {
        none: `${expiry.acknowledged} values of ${expiry.keys} keys came and went in time${missing.because === '' ? '' : `; ${missing.because}`}`,
        many: 'values were read after their time',
        one: ({ id, key, node, sentAtMs, overAtMs }) => `${id} of ${key} at ${node ?? 'some node'}, ${formatMs(sentAtMs - overAtMs)} late`,
      });
      if (finding.outcome === 'violated') return finding;
      if (reads.primaries + reads.replicas === 0) return unknown('no read was ever answered');
      if (expiry.unreadableKeys.total > 0) return unknown(`${expiry.unreadableKeys.total} of ${expiry.keys} keys could not be read back`);
      return finding;
    }),
} satisfies Invariant;
