/*
 * A container comes back with another address, as a pod does. Where redis.conf still announces the old one, the node tells
 * it in every packet, and the others go on dialling a place where nobody is (cluster.c nodeUpdateAddressIfNeeded finds
 * nothing to update). Its own connections work, so that nobody suspects it and nobody takes over: cluster_state is ok,
 * CLUSTER NODES shows no more than a link that is being dialled, which it calls connected (clusterGenNodeDescription), and
 * its replica waits at the old address for ever. A node that announces nothing is found by the source address of its
 * packets (nodeIp2String), within a second. Its own line in CLUSTER NODES keeps the old address all the same: ask its peers.
 *
 * Scaled: the node timeout is 8 s instead of 15 s, long enough for a restart. Data are in an AOF, or the primary would come
 * back empty, which is another failure.
 */
import addressChange from '../src/fault/address-change.ts';
import { defineExperiment, isHealthy } from '../src/index.ts';
import { replicate } from '../src/joining.ts';

export default defineExperiment({
  name: 'address-changes-on-restart',
  hypothesis: 'A primary that comes back with another address is found there by its peers and by its replica.',
  failure: {
    level: 'medium',
    symptom: 'after a restart the replica of one node stays down for ever, while cluster_state is ok and no flag tells',
    cause:
      'A fixed cluster-announce-ip outlives the address. Peers take the announced address for the true one (cluster.c nodeUpdateAddressIfNeeded, nodeIp2String) and dial it; the pings that come from the node keep it from being suspected.',
    setting: 'cluster-announce-ip',
    remedy:
      'Announce nothing where nodes share a network, or write the new address before each start (the pod IP). CONFIG SET cluster-announce-ip mends a running node; an empty value makes peers look at the source address. Where the replica stays down all the same, CLUSTER REPLICATE there. Ask CLUSTER LINKS and master_link_status, not CLUSTER NODES.',
    audit: 'The right value differs from start to start: whoever sets cluster-announce-ip must see that it is written anew each time.',
  },
  cluster: { config: { 'cluster-node-timeout': 8_000, appendonly: 'yes' } },
  budget: { failovers: 0 },
  variants: {
    wounded: {
      about: 'a primary comes back elsewhere and announces its old address',
      settleWithin: '6s',
      // Whoever dials the old address again in the end may have the node in PFAIL just then: chance decides.
      expect: ({ version }) => ({
        'views-agree': 'open',
        'state-ok': 'open',
        // Redis 6.0 has no CLUSTER LINKS, and tells of its own half of each link only.
        'bus-links-complete': version.startsWith('6.') ? 'open' : 'violated',
        'replicas-in-step': 'violated',
        'recovers-in-time': 'violated',
      }),
    },
    repair: { about: 'the same, and then it is told to announce nothing; CLUSTER REPLICATE where its replica stays down' },
    unset: { about: 'nobody announces an address', config: { 'cluster-announce-ip': '' } },
    cured: { about: 'the new address is written before the start' },
  },
  async disturb(stage) {
    const { cluster, enact, need, tell, until, timeline, variant } = stage;
    const { nodes } = await enact(addressChange('one primary', { announce: variant === 'cured' ? 'new' : 'old' }));
    const moved = cluster.nodes.find(({ name }) => name === nodes[0]);
    const replica = cluster.nodes.find(({ primary }) => primary === moved?.name);
    if (!moved || !replica) throw new Error('no primary has moved');
    // What was said before it stopped tells nothing of what came back.
    const fromMs = timeline().events.at(-1)?.atMs ?? 0;
    await need('it is back', (record) => record.seen('cluster-info', { node: moved.name, fromMs }).at(-1)?.value.state === 'ok', '10s');
    if (variant !== 'repair') return;
    await need(
      'its replica has lost it',
      (record) => record.seen('replication', { node: replica.name, fromMs }).at(-1)?.value.link === 'down',
      '10s',
    );
    await tell(moved.name, 'CONFIG', 'SET', 'cluster-announce-ip', '');
    // Where gossip has corrected the address before the node itself, Redis does not tell replication.
    if (!(await until('all is well again', isHealthy, '10s'))) await replicate(stage, replica.name, moved.id, '5s');
  },
});
