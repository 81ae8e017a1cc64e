/*
 * The disk of a replica is full when it needs a full resync. It writes the snapshot to disk before it reads it, cannot,
 * and asks again (replication.c readSyncBulkPayload: "Write error or short write writing to the DB dump file", which does
 * not say that the disk is full). Each round costs the primary a fork and a transfer: ten rounds a second on Redis from 7.0
 * on, which does not wait for its cron, and one on Redis 6.0 and Valkey 9.1. The replica answers from what it had, and
 * cluster_state says ok.
 *
 * Scaled: a data set of 8 MB on a volume of 64 MB with 1 MB free; the mechanism does not depend on sizes. With
 * repl-diskless-load the snapshot goes from the link into memory, and its disk does not matter.
 */
import diskFull from '../src/fault/disk-full.ts';
import { defineExperiment, linked, outage, resyncs } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const primary = 'node-1';
const replica = 'node-4';

export default defineExperiment({
  name: 'disk-full-replica',
  hypothesis: 'A replica that needs a full resync while its disk is full is in step again after one.',
  failure: {
    level: 'medium',
    symptom: "a replica logs 'short write' again and again while sync_full of its primary rises and its link stays down",
    cause:
      'The snapshot goes to the disk of the replica first, which has no space; the replica asks for the next one at once (replication.c readSyncBulkPayload, replicationAbortSyncTransfer).',
    setting: 'repl-diskless-load disabled, the default, and the free space of the volume',
    remedy: 'repl-diskless-load swapdb, by CONFIG SET too, or space',
    engines: 'Redis from 7.0 on goes round ten times a second; Redis 6.0 and Valkey 9.1 go round once a second.',
    audit: { scale: { 'repl-diskless-load': 1 }, lines: ['repl-diskless-load swapdb'] },
  },
  cluster: {
    config: {
      'repl-diskless-load': 'disabled',
      'repl-backlog-size': '16kb',
      rdbcompression: 'no',
      // The default; a primary that refuses writes while its replica is away gives no reason for a full resync.
      'min-replicas-to-write': 0,
    },
  },
  workload: registers({ valueBytes: 2_000 }),
  variants: {
    wounded: {
      about: 'the snapshot goes to disk first; when space returns, the next one succeeds',
      expect: { 'no-endless-full-resync': 'violated' },
    },
    cured: {
      about: 'the snapshot goes from the link into memory',
      config: { 'repl-diskless-load': 'swapdb' },
      budget: { fullResyncs: 1, lagSeconds: 10 },
    },
    space: { about: 'the disk has room for the snapshot', budget: { fullResyncs: 1, lagSeconds: 10 } },
    repair: {
      about: 'repl-diskless-load is set by CONFIG SET while the disk is full',
      // At ten rounds a second some begin before it is set and are counted after it; a loop that goes on has dozens.
      budget: { lagSeconds: 15, fullResyncsAfterRepair: 5 },
      expect: { 'no-endless-full-resync': 'violated' },
    },
  },
  prepare: ({ fill }) => fill(primary, { bytes: 8_000_000, valueBytes: 8_000 }),
  async disturb(stage) {
    const { inject, need, until, sleep, tell, variant } = stage;
    await using _full = await inject(diskFull(replica, { freeBytes: variant === 'space' ? 20_000_000 : 1_000_000 }));
    {
      await using _cut = await outage(stage, replica, primary);
      await sleep('1s');
    }
    await until('the replica is in step again, or goes round', (seen) => linked(seen, replica) || resyncs(seen).full >= 4, '20s');
    await need('a full resync has tried its disk', (seen) => resyncs(seen).full > 0, '1s');
    if (variant !== 'repair') return;
    await tell(replica, 'CONFIG', 'SET', 'repl-diskless-load', 'swapdb');
    await until('the replica is in step again', (seen) => linked(seen, replica), '20s');
  },
});
