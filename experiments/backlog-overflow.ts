/*
 * A replica whose link breaks for a few seconds comes back with a full resync, every time: what was written meanwhile is
 * more than the backlog holds, so that the primary cannot send just the rest (replication.c
 * masterTryPartialResynchronization). On a large data set that is a fork, a transfer and a load for each hiccup.
 *
 * Scaled by 1/16: outages of 3 s with 0.3 MB of writes a second to the shard, which stand for 4.8 MB a second in production,
 * and a backlog of 64 KB for the 1 MB that Redis comes with (Valkey from 8.0 on: 10 MB). The cure holds 60 s of writes.
 *
 * Both ends notice the end of the connection here. A primary that does not keeps everything for the old one, and from 7.0
 * on output buffers and backlog share their blocks (replication.c incrementalTrimReplicationBacklog): a replica that comes
 * back before the old connection is given up may find all that it missed, however small the backlog is set.
 */
import { defineExperiment, linked, outage } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const primary = 'node-1';
const replica = 'node-4';
const remedy = '20mb';

export default defineExperiment({
  name: 'backlog-overflow',
  hypothesis: 'A replica that is cut off twice for 3 s under load goes on where it was: no full resync.',
  failure: {
    level: 'medium',
    symptom: 'a replica that was cut off for seconds takes a full resync each time: sync_full and sync_partial_err rise together',
    cause:
      'What was written during the outage is more than the backlog holds, so that the rest cannot be sent alone (replication.c masterTryPartialResynchronization).',
    setting: 'repl-backlog-size, against write rate times the length of the outage',
    remedy: 'a backlog for a minute of writes; CONFIG SET at run time helps from the next outage on',
    engines: 'The default is 1 MB on Redis and 10 MB on Valkey from 8.0 on.',
    audit: { scale: { 'repl-backlog-size': 1 / 16 }, lines: ['repl-backlog-size 320mb'] },
  },
  cluster: { config: { 'repl-backlog-size': '64kb' } },
  workload: registers({ rate: 300, valueBytes: 4_000 }),
  budget: { fullResyncs: 0 },
  variants: {
    wounded: {
      about: 'the backlog holds a fraction of a second',
      // As long as an outage: who holds that much is not hit by it.
      budget: { backlogSeconds: 3 },
      expect: { 'resyncs-are-partial': 'violated', 'backlog-holds-writes': 'violated' },
    },
    cured: { about: 'the backlog holds a minute', config: { 'repl-backlog-size': remedy }, budget: { backlogSeconds: 60 } },
    repair: {
      about: 'after the first full resync the backlog is resized by CONFIG SET, and the second outage costs none',
      budget: { fullResyncs: 1 },
    },
  },
  async disturb(stage) {
    const { need, sleep, tell, variant } = stage;
    for (const round of [1, 2]) {
      {
        await using _cut = await outage(stage, replica, primary);
        await sleep('3s');
      }
      await need(`the replica is in step after outage ${round}`, (timeline) => linked(timeline, replica), '10s');
      if (variant === 'repair' && round === 1) await tell(primary, 'CONFIG', 'SET', 'repl-backlog-size', remedy);
    }
  },
});
