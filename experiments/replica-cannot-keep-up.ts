/*
 * A replica is on a slower line than its primary writes: across zones, behind a throttled network card, on a busy host.
 * Its link is up and cluster_state says ok, while what it has grows old, and the primary keeps what it has not yet sent
 * in the replica's output buffer (networking.c prepareClientToWrite) until that or the host is full. Whoever reads there
 * reads the past, and a failover loses all of the lag.
 *
 * Scaled: the alarm is at 2 MB instead of 50 MB, and after 5 s instead of 10 s. The line carries 0.25 MB a second. Clients
 * write 0.6 MB a second to the shard, or, cured, a fifth of that, in large values: the line is felt, and carries them.
 */
import rateLimit from '../src/fault/rate-limit.ts';
import { defineExperiment, lags } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const replica = 'node-4';
const limits = { lagBytes: 2_000_000, lagSeconds: 5 };

export default defineExperiment({
  name: 'replica-cannot-keep-up',
  hypothesis: 'A replica on a slow line is never more than 2 MB and 5 s behind its primary.',
  failure: {
    level: 'easy',
    symptom: 'a replica with its link up serves data that grows older by the second, and its output buffer at the primary grows',
    cause:
      'Clients write more than the line to the replica carries; replication is asynchronous and slows nobody down (replication.c replicationFeedSlaves).',
    setting: 'none: the rate of writes and the line decide',
    remedy: 'a faster line, or fewer and smaller writes; an alarm on the lag in bytes and seconds',
    audit:
      'No setting makes a line faster or slows clients down; client-output-buffer-limit only decides how long a replica that is behind keeps its link.',
  },
  budget: { ...limits, fullResyncs: 0 },
  variants: {
    wounded: {
      about: 'clients write more than the line carries; the lag is gone when the line is fast again',
      workload: registers({ rate: 300, valueBytes: 8_000 }),
      expect: { 'replication-lag-bounded': 'violated' },
    },
    cured: { about: 'clients write less than the line carries', workload: registers({ rate: 15, valueBytes: 32_000 }) },
  },
  async disturb({ inject, until }) {
    await using _slow = await inject(rateLimit(replica, { kbitPerSecond: 2_000, port: 'client', peers: 'its primary', direction: 'in' }));
    await until(
      'the replica is far behind, in bytes and in time',
      (timeline) => {
        const lag = lags(timeline, replica).at(-1);
        return lag !== undefined && lag.bytes > limits.lagBytes && lag.ms > limits.lagSeconds * 1_000;
      },
      '15s',
    );
  },
});
