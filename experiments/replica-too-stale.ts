/*
 * A replica has been without its primary for a while, which nobody noticed, and then the primary dies. People see a living
 * replica and slots that nobody serves: its log says "Currently unable to failover: Disconnected from master for longer
 * than allowed". Its data are older than cluster-replica-validity-factor permits (cluster.c clusterHandleSlaveFailover), and
 * the documented bound lacks one node timeout: the age is counted from the node timeout on. A document recommends factor 0
 * for unstable networks. Then the replica is elected, and everything that was acknowledged since it fell behind is gone.
 * There is no third value: below the limit the replica is elected and loses, above it is not. Only a replica in step helps.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, the factor 1 instead of 10, a primary pings its replicas each second
 * instead of each tenth, and a silent link is given up after 4 s instead of 60 s. So a replica is too old 5 s after it gave
 * its link up, which is 175 s in production. The primary has its data when it returns, from an append-only file.
 */
import kill from '../src/fault/kill.ts';
import partition from '../src/fault/partition.ts';
import { defineExperiment, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

const primary = 'node-1';
const stale = 'node-4';

export default defineExperiment({
  name: 'replica-too-stale',
  hypothesis: 'A primary that dies is replaced by its replica, also when the two had lost touch before.',
  failure: {
    level: 'medium',
    symptom: 'the primary is dead, its replica is alive and marked so everywhere, and it does not take over',
    cause:
      'A replica whose link has been down for longer than node timeout x (factor + 1) + repl-ping-replica-period may not ask for votes (cluster.c clusterHandleSlaveFailover).',
    setting: 'cluster-replica-validity-factor; with 0 any replica may, whatever it lost',
    remedy: 'An alarm on master_link_status:down, and a second replica, so that one in step is left.',
    audit: {
      // The node timeout is not scaled: a long one violates the gap whatever the factor is.
      scale: {
        'cluster-replica-validity-factor': 1 / 10,
        'repl-ping-replica-period': 1 / 10,
        'repl-timeout': 4 / 60,
      },
      lines: ['# No line helps a replica that is stale: with 0 it takes over, and all that it lags behind is lost.'],
      // With factor 0 or a large one the stale replica takes over and loses what it lags behind.
      symptoms: ['gap-bounded', 'no-acknowledged-write-lost'],
    },
  },
  cluster: {
    config: {
      'cluster-node-timeout': 2_000,
      'cluster-replica-validity-factor': 1,
      'repl-ping-replica-period': 1,
      'repl-timeout': 4,
      appendonly: 'yes',
    },
  },
  workload: setAdd({ rate: 300, readShare: 0 }),
  // A failover: two node timeouts and 1.5 s, with what measuring adds.
  budget: { gapMs: 7_000 },
  variants: {
    wounded: { about: 'the only replica is too old', expect: { 'gap-bounded': 'violated' } },
    'factor-0': {
      about: 'with factor 0 it takes over, and what was written since is lost',
      config: { 'cluster-replica-validity-factor': 0 },
      expect: { 'no-acknowledged-write-lost': 'violated' },
    },
    cured: { about: 'a second replica is in step and takes over', cluster: { replicas: [2, 1, 1] } },
  },
  async disturb({ cluster, inject, need, until, sleep }) {
    await using parted = await inject(partition(stale, { against: primary, port: 'client' }));
    const linkDown = 'the replica has given its link up';
    const within = Number(cluster.settings['repl-timeout']) + 4;
    await need(linkDown, (timeline) => timeline.newest('replication', stale)?.link === 'down', `${within}s`);
    await sleep('5s');
    await using _killed = await inject(kill(primary));
    // The network is well again, too late: there is nobody to sync from.
    await parted.heal();
    await until('a replica serves the slots', (timeline) => replaced(timeline, primary), '9s');
  },
});
