/*
 * All nodes want a password, but only the replicas were told what to show their primary. Nothing is wrong until the first
 * failover: the old primary becomes a replica for the first time in its life and has no masterauth. Its primary answers
 * NOAUTH, its link stays down for ever, and cluster_state says ok all the time. One more failure, and the shard has nobody
 * who is up to date.
 *
 * With a wrong password it tries again each second (replication.c syncWithMaster, replicationCron). With none it gets as
 * far as SYNC, and an aborted SYNC is tried again each second by Redis 6.0 and Valkey 9.1, and at once by Redis 7.0 and 8.0 and
 * Valkey 8.1 (readSyncBulkPayload, cancelReplicationHandshake): hundreds of connections a second here, and several lines in
 * the log for each.
 *
 * The documents speak of a resync loop. It is a loop of logins: PSYNC and SYNC are refused before anything is sent, so that
 * sync_full stays as it is.
 *
 * Not scaled. The failover is an orderly one, so that nothing else goes wrong.
 */
import failover from '../src/fault/failover.ts';
import { bitten, defineExperiment, type Timeline } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const password = 's3cret';
const primaries = (settings: Record<string, string>) => ({ 'node-1': settings, 'node-2': settings, 'node-3': settings });
/** What is true of the shard for as long as nobody repairs it. */
const symptom = {
  'logins-are-accepted': 'violated',
  'replicas-in-step': 'violated',
  'recovers-in-time': 'violated',
} as const;

/** Whether this node said last that it replicates, with its link like this. */
const linked = (timeline: Timeline, node: string, link: 'up' | 'down'): boolean => {
  const last = timeline.newest('replication', node);
  return last?.role === 'replica' && last.link === link;
};

export default defineExperiment({
  name: 'auth-after-failover',
  hypothesis: 'After a failover in a cluster with passwords the old primary follows the new one.',
  failure: {
    level: 'easy',
    symptom: 'after a failover a replica has master_link_status:down for ever, while the cluster says ok',
    cause:
      'A node shows masterauth (and masteruser) only when it replicates (replication.c syncWithMaster); one that has always been a primary is never asked for it before the first failover.',
    setting: 'masterauth, and masteruser where replication has a user of its own, missing or wrong at a node that is a primary today',
    remedy:
      'Give every node the same requirepass and masterauth whatever its role is, change both together, and watch master_link_status rather than cluster_state; CONFIG SET masterauth mends it without a restart.',
    engines:
      'Without masterauth Redis 6.0 and Valkey 9.1 try again once a second, and Redis 7.0, 8.0 and Valkey 8.1 without a pause, hundreds of times a second; with a wrong one all try once a second.',
    audit:
      'Whether masterauth of each node is a password that every other takes decides, which no single redis.conf tells: look for requirepass or user lines without masterauth in the files of all nodes.',
  },
  // At level notice Redis 7.0 logs ten lines for each of hundreds of attempts a second.
  cluster: { config: { requirepass: password, masterauth: password, loglevel: 'warning' } },
  workload: registers({ rate: 200 }),
  // It is told to hand over its slots, and answers all the time.
  invariants: { except: ['live-primary-keeps-its-slots'] },
  settleWithin: '6s',
  variants: {
    wounded: {
      about: 'the primaries have no masterauth',
      cluster: { nodes: primaries({ masterauth: '' }) },
      expect: symptom,
    },
    wrong: {
      about: 'the primaries have the masterauth from before the last change of the password',
      cluster: { nodes: primaries({ masterauth: 'of-last-year' }) },
      expect: symptom,
    },
    repair: { about: 'as wounded; then CONFIG SET masterauth, without a restart', cluster: { nodes: primaries({ masterauth: '' }) } },
    cured: { about: 'the same masterauth everywhere' },
  },
  async disturb({ cluster, inject, need, until, tell, variant }) {
    const [replica] = cluster.nodes.filter(({ primary }) => primary === 'node-1');
    await using handover = await inject(failover(replica?.name ?? ''));
    await need('the replica is seen to have taken over', (timeline) => bitten(timeline, handover), '10s');
    const wanted = variant === 'cured' ? 'up' : 'down';
    await until(`the old primary is a replica with its link ${wanted}`, (timeline) => linked(timeline, 'node-1', wanted), '10s');
    if (variant !== 'repair') return;
    await need(
      'it is refused',
      (timeline) => timeline.of('log-line').some(({ node, kind }) => node === 'node-1' && kind === 'login-refused'),
      '10s',
    );
    await tell('node-1', 'CONFIG', 'SET', 'masterauth', password);
    await until('its link is up', (timeline) => linked(timeline, 'node-1', 'up'), '10s');
  },
});
