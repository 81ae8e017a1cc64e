/*
 * A node announces an address where nobody reaches it: the host's instead of the container's, or one left over from a copy
 * of the configuration. Every packet of it carries that address, the others take it over, drop their links and dial a place
 * that does not answer (cluster.c nodeUpdateAddressIfNeeded). All the same hardly anybody suspects it, since its own
 * connections still deliver its pings, and any packet counts as a sign of life (clusterCron, data_received): cluster_state
 * stays ok, and no flag tells. Its replica loses it for good, and clients are sent to the dead address by every MOVED.
 *
 * Whom it pings is partly chance: of five peers drawn each second the one heard of least lately, by gossip too (clusterCron).
 * So now and then one hears nothing for a node timeout, suspects it, and goes on doing so, since without a link no PONG takes
 * that back: seen twice, on Redis 6.0 and 8.0. Suspicions are not judged here; only a majority of the primaries would tell.
 *
 * An address that refuses shows as disconnected in CLUSTER NODES. One that answers nothing shows as connected, because a
 * link counts from the moment it is dialled (clusterGenNodeDescription); CLUSTER LINKS of the node itself tells.
 *
 * Scaled: the node timeout is 3 s instead of 15 s. The address is set by CONFIG SET, which does what a restart with a wrong
 * redis.conf does, without the restart.
 */
import { ipOf } from '../src/driver.ts';
import { defineExperiment, isHealthy } from '../src/index.ts';
import { newestView } from '../src/joining.ts';

export default defineExperiment({
  name: 'announce-ip-wrong',
  hypothesis: 'A node that announces an address where nobody reaches it is suspected by the others.',
  failure: {
    level: 'medium',
    symptom: 'cluster_state:ok and nobody fails, yet one node is disconnected everywhere and its replica is down',
    cause:
      'Peers believe the address that a node announces (cluster.c nodeUpdateAddressIfNeeded), and its replica dials it. They hardly ever suspect the node, because its own connections keep delivering its pings (clusterCron takes any received data for a sign of life).',
    setting: 'cluster-announce-ip, cluster-announce-port, cluster-announce-bus-port',
    remedy:
      'Announce the address at which peers and clients reach the node, or nothing where they share a network; CONFIG SET mends it at once. Watch the link state in CLUSTER NODES and master_link_status, not only cluster_state.',
    audit:
      'The right value differs from place to place, and no other setting helps: compare what each node announces with where the others reach it.',
  },
  cluster: { config: { 'cluster-node-timeout': 3_000 }, spares: 1 },
  budget: { suspicions: 0, failovers: 0 },
  variants: {
    wounded: {
      about: 'a primary announces a dead address, and goes on doing so',
      // More than two node timeouts, in which nobody fails it over.
      settleWithin: '8s',
      expect: {
        'views-agree': 'violated',
        'bus-links-complete': 'violated',
        'replicas-in-step': 'violated',
        'recovers-in-time': 'violated',
        // One peer may have heard nothing for a node timeout, by chance.
        'suspicions-bounded': 'open',
        'state-ok': 'open',
      },
    },
    repair: { about: 'it announces its own address again, once its replica has lost it' },
    cured: { about: 'it announces nothing, and the others look at where its packets come from' },
  },
  async disturb({ cluster, ask, tell, perform, sleep, until, variant }) {
    const [node, other] = cluster.nodes;
    const [host] = cluster.spares ?? [];
    if (!node || !other || !host) throw new Error('there are too few nodes');
    const ip = ipOf(node);
    const announce = (address: string): Promise<string> => tell(node.name, 'CONFIG', 'SET', 'cluster-announce-ip', address);
    // A host in the same network where no engine listens, so that connections are refused.
    await perform({ run: 'stop', node: host.name, graceSeconds: 5 });
    await announce(variant === 'cured' ? '' : ipOf(host));
    if (variant === 'cured') {
      // As long as the wounded one is looked at.
      await sleep('8s');
      return;
    }
    await until(
      'everybody has lost the link to it, and its replica the one for replication',
      (timeline) =>
        cluster.nodes.every(
          ({ name }) => name === node.name || newestView(timeline, name).some((peer) => peer.id === node.id && !peer.linked),
        ) && timeline.newest('replication', cluster.nodes.find(({ primary }) => primary === node.name)?.name ?? '')?.link === 'down',
      '15s',
    );
    // Where a client is sent: an empty key has slot 0, which the first node owns.
    await ask(other.name, 'GET', '');
    if (variant !== 'repair') return;
    await announce(ip);
    await until('all is well again', isHealthy, '15s');
  },
});
