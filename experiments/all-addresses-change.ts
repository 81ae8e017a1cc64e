/*
 * All nodes come back with other addresses at once: a rescheduled StatefulSet, a restored host. Each knows the others at
 * places where nobody is, so that no packet ever arrives from which it could learn better (cluster.c clusterLoadConfig,
 * clusterCron), and cluster_state is fail for ever. One of them that MEETs the others mends the bus and the state, and leaves
 * two things to chance. Whoever still suspects the others tells the first one he reaches, which is enough for a majority:
 * primaries that live are marked fail, and failed over. And a node that is suspected gets its new address by gossip, where
 * Redis does not tell replication (clusterProcessGossipSection; nodeUpdateAddressIfNeeded would): its replica stays at the
 * dead address, with the state ok. CLUSTER REPLICATE mends that. Where every node MEETs every other before the node timeout
 * has passed, nobody suspects anybody, each hears the new addresses at first hand, and the replicas follow.
 *
 * Scaled: the node timeout is 3 s instead of 15 s, but for the cure, which has to come within it. It must be more than 2 s:
 * for as long a primary that has just started does not count the others (cluster.c clusterUpdateState, CLUSTER_WRITABLE_DELAY)
 * and is a majority by itself. Data are in an AOF, and reads are allowed while the state is fail, so that it can be told that
 * nothing is lost.
 */
import addressChange from '../src/fault/address-change.ts';
import { defineExperiment, isHealthy } from '../src/index.ts';
import { meet, newestView, replicate } from '../src/joining.ts';
import type { Expectation } from '../src/timeline.ts';

/** Whether living primaries are marked fail before all have met is a matter of who hears of whom first. */
const whoIsSuspected: Expectation = { 'live-primary-keeps-its-slots': 'open' };

export default defineExperiment({
  name: 'all-addresses-change',
  hypothesis: 'Nodes that all come back with other addresses find one another again, their replicas included.',
  failure: {
    level: 'hard',
    symptom: 'all pods are new and cluster_state stays fail; after CLUSTER MEET it is ok, and replicas stay at old addresses',
    cause:
      'nodes.conf holds addresses, not names. When all of them change nobody can reach anybody, and there is no second way to meet (cluster.c clusterLoadConfig). After MEET the addresses that gossip corrects do not reach replication on Redis (clusterProcessGossipSection without replicationSetMaster).',
    setting: 'addresses that change with every start of all nodes; no directive makes the bus look up names',
    remedy:
      'CLUSTER MEET from every node to the new address of every other, at best in the start script. From one node alone it mends the state, and CLUSTER REPLICATE is needed at every replica whose link stays down. Restart nodes one by one, or give them addresses that stay.',
    engines: 'Valkey from 7.2.7 on corrects replication on the gossip path too.',
    audit: 'No setting decides: it is whether all addresses can change at once.',
  },
  cluster: {
    config: { 'cluster-node-timeout': 3_000, appendonly: 'yes', 'cluster-allow-reads-when-down': 'yes', 'cluster-announce-ip': '' },
  },
  variants: {
    wounded: {
      about: 'nobody does anything',
      settleWithin: '6s',
      // Redis 6.0 tells of its own half of each link only, as it has no CLUSTER LINKS.
      expect: ({ version }) => ({
        'views-agree': 'violated',
        'state-ok': 'violated',
        'replicas-in-step': 'violated',
        'recovers-in-time': 'violated',
        // How long writes stand still is chance: it is who finds whom first.
        'gap-bounded': 'open',
        ...(version.startsWith('6.') ? {} : { 'bus-links-complete': 'violated' }),
      }),
    },
    met: {
      about: 'one node MEETs the five others, and nobody looks at the replicas',
      settleWithin: '8s',
      expect: ({ kind }) =>
        kind === 'valkey'
          ? whoIsSuspected
          : // Chance again: the address may come from the primary itself before gossip, and who is failed over is followed anew.
            { 'replicas-in-step': 'open', 'replica-follows-primary': 'open', 'recovers-in-time': 'open', ...whoIsSuspected },
    },
    repair: {
      about: 'the same, and then CLUSTER REPLICATE at every replica whose link is down',
      expect: whoIsSuspected,
      unsuited: ({ kind }) => (kind === 'valkey' ? 'on Valkey replicas follow by themselves' : undefined),
    },
    cured: {
      about: 'every node MEETs every other, and early enough: within the node timeout, before anybody is suspected',
      config: { 'cluster-node-timeout': 15_000 },
    },
  },
  async disturb(stage) {
    const { cluster, enact, need, until, timeline, variant } = stage;
    const { plan } = await enact(addressChange('all nodes', { announce: 'old' }));
    const { to } = plan as { readonly to: Readonly<Record<string, string>> };
    const meetAll = async (introducer: string): Promise<void> => {
      for (const { name } of cluster.nodes) if (name !== introducer) await meet(stage, introducer, { address: `${to[name]}:6379` });
    };
    if (variant === 'cured') {
      for (const { name } of cluster.nodes) await meetAll(name);
      return;
    }
    await need(
      'everybody has come back and misses everybody',
      (seen) =>
        cluster.nodes.every(({ name }) => {
          const view = newestView(seen, name);
          return view.length > 1 && view.every(({ flags }) => flags.includes('myself') || flags.some((flag) => flag.startsWith('fail')));
        }),
      '15s',
    );
    if (variant === 'wounded') return;
    await meetAll(cluster.nodes[0]?.name ?? '');
    await until(
      'the state is ok everywhere',
      (seen) => cluster.nodes.every(({ name }) => seen.newest('cluster-info', name)?.state === 'ok'),
      '15s',
    );
    if (variant === 'met') return;
    // A failover may be under way, so that it is looked again.
    for (let look = 0; look < 3 && !(await until('all is well', isHealthy, '4s')); look++) {
      for (const { name } of cluster.nodes) {
        const primary = newestView(timeline(), name).find(({ flags }) => flags.includes('myself'))?.primary;
        const link = timeline().newest('replication', name)?.link;
        if (primary && link === 'down') await replicate(stage, name, primary, '5s');
      }
    }
  },
});
