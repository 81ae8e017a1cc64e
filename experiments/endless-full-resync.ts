/*
 * A replica that has lost its link for a moment asks for a full resync, is dropped in the middle of it, asks again, and
 * so on without end, while cluster_state says ok. What clients write during the transfer waits in the replica's output
 * buffer, and when that is larger than client-output-buffer-limit the primary closes the link (networking.c
 * checkClientOutputBufferLimits, closeClientOnOutputBufferLimitReached).
 *
 * Scaled by 1/256: a limit of 256 MB is 1 MB, a data set of 1.8 GB is 7 MB, a backlog of 1 MB is the least there is, 16 KB.
 * The link carries 2 MB a second, and clients write 0.6 MB a second to the shard: about 2 MB in one transfer. That twice
 * the limit helps, as it is often told, is true for one such product of rate and time only.
 */
import { bytesOf } from '../src/conf/scale.ts';
import rateLimit from '../src/fault/rate-limit.ts';
import { defineExperiment, linked, outage, overrun, resyncs, type Timeline } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const primary = 'node-1';
const replica = 'node-4';
const remedy = 'replica 8mb 2mb 60';

export default defineExperiment({
  name: 'endless-full-resync',
  hypothesis: 'A replica that has lost its link for a second under load is in step again after one full resync, on a slow link too.',
  failure: {
    level: 'hard',
    symptom: 'a replica logs one full resync after the other, each ends in an I/O error, and its link never comes up',
    cause:
      'What is written during the transfer waits in the output buffer of the replica; above the limit the primary closes the link (networking.c checkClientOutputBufferLimits), and the next attempt meets the same.',
    setting: 'client-output-buffer-limit replica, against write rate times the time of fork, transfer and load',
    remedy: 'a limit above that product; CONFIG SET at run time ends the loop',
    engines:
      'Redis from 8.0 on and, with dual-channel-replication-enabled, Valkey from 8.0 on keep the stream at the replica in a diskless full resync: the limit then counts at both ends. From 7.0 on a larger repl-backlog-size raises the limit too.',
    audit: {
      scale: { 'client-output-buffer-limit': 1 / 256, 'repl-backlog-size': 1 / 256, 'repl-diskless-sync': 1 },
      lines: ['client-output-buffer-limit replica 2gb 512mb 60'],
      // With a large backlog the outage is long, and so is the lag.
      symptoms: ['no-endless-full-resync'],
    },
  },
  cluster: {
    config: {
      'client-output-buffer-limit': 'replica 1mb 256kb 60',
      'repl-backlog-size': '16kb',
      // As it was when the incident was written down, and the default until 6.2.
      'repl-diskless-sync': 'no',
      // The filling would shrink to nothing.
      rdbcompression: 'no',
      // Where the replica is the only one, 1 stops the writes as long as it is away; with two of them they would go on.
      'min-replicas-to-write': 0,
    },
  },
  workload: registers({ rate: 300, valueBytes: 8_000 }),
  budget: { lagSeconds: 10 },
  variants: {
    wounded: {
      about: 'the limit is smaller than what is written during one transfer',
      expect: { 'no-endless-full-resync': 'violated', 'replication-lag-bounded': 'violated' },
    },
    cured: { about: 'the limit is larger than that', config: { 'client-output-buffer-limit': remedy }, budget: { fullResyncs: 1 } },
    repair: {
      about: 'the loop goes on until the limit is raised by CONFIG SET',
      // The one that is under way when the limit is raised may be lost, and another one needed.
      budget: { lagSeconds: 25, fullResyncsAfterRepair: 1 },
      expect: { 'no-endless-full-resync': 'violated' },
    },
    'repair-short': {
      about: 'the limit is raised by half, which is still less than what is written during one transfer',
      budget: { fullResyncsAfterRepair: 1 },
      expect: { 'no-endless-full-resync': 'violated', 'replication-lag-bounded': 'violated', 'repair-ends-resyncs': 'violated' },
    },
    diskless: {
      about: 'the default from 7.0 on: the primary writes the snapshot into the link',
      config: { 'repl-diskless-sync': 'yes' },
      expect: { 'no-endless-full-resync': 'violated', 'replication-lag-bounded': 'violated' },
    },
  },
  prepare: ({ fill }) => fill(primary, { bytes: 7_000_000, valueBytes: 8_000 }),
  async disturb(stage) {
    const { cluster, inject, need, until, sleep, tell, timeline, variant } = stage;
    await using _slow = await inject(rateLimit(replica, { kbitPerSecond: 16_000, port: 'client', peers: primary, direction: 'in' }));
    const fromMs = timeline().events.at(-1)?.atMs ?? 0;
    {
      await using _cut = await outage(stage, replica, primary);
      await sleep('600ms');
      // A larger backlog, which an audit may bring along, takes a longer outage.
      const backlogBytes = bytesOf(cluster.settings['repl-backlog-size'] ?? '') ?? 0;
      await need('more is written than the backlog holds', (seen) => overrun(seen, primary, backlogBytes, fromMs), '15s');
    }
    const lasts = (seen: Timeline): boolean => (seen.events.at(-1)?.atMs ?? 0) - fromMs > 12_500 && resyncs(seen).full >= 3;
    await until('the replica is in step again, or goes round', (seen) => linked(seen, replica) || lasts(seen), '25s');
    await need('a full resync has tried the limit', (seen) => resyncs(seen).full > 0, '1s');
    if (!variant.startsWith('repair')) return;
    await tell(primary, 'CONFIG', 'SET', 'client-output-buffer-limit', variant === 'repair' ? remedy : 'replica 1536kb 256kb 60');
    await until('the replica is in step again', (seen) => linked(seen, replica), '15s');
  },
});
