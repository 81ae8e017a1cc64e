/*
 * A primary is restarted and its data directory is empty: an ephemeral volume, a wrong mount, a cleaned disk. Without
 * nodes.conf the engine invents a new id and is a stranger that knows nobody (cluster.c clusterLoadConfig). Its peers find
 * another id at the old address and strike the address of the one they knew (clusterProcessPacket, "mismatching sender
 * ID"). A node without an address is not suspected (clusterCron passes it over), so where the stranger comes before the node
 * timeout nobody takes over, but on Valkey: five of six nodes say cluster_state:ok, and nobody serves the
 * slots. The documents speak of a ghost and of slots that are gone. It is worse: replication knows addresses, not ids
 * (replication.c syncWithMaster), so the replica copies the empty stranger, and the data is gone on both.
 *
 * Where the replica was elected before (variant late), the data is safe, and the old id stays as a ghost in every list
 * beside a stranger that nobody uses. The drill mends both; it brings data back only where the replica was elected.
 *
 * Scaled: the node timeout is 5 s instead of 15 s.
 */
import { nodeNamed } from '../src/cluster.ts';
import { files, ipOf } from '../src/driver.ts';
import { defineExperiment, replaced, type Timeline } from '../src/index.ts';
import type { EngineInfo } from '../src/timeline.ts';
import setAdd from '../src/workload/set-add.ts';

const victim = 'node-1';

/** Everything in /data but what makes the engine start. */
const empty = files(victim, 'find /data -mindepth 1 -maxdepth 1 ! -name redis.conf ! -name tls -exec rm -rf {} +');

/** Whether the victim, by the id that it has now, knows all members. */
function knowsAll(timeline: Timeline): boolean {
  const view = timeline.newest('topology', victim) ?? [];
  return timeline.run.nodes.every(({ name, id }) =>
    view.some((node) => node.id === id && !node.flags.includes('handshake') && node.flags.includes('myself') === (name === victim)),
  );
}

/** On engines from 7.0 on: every node has a link to the victim, and one from it. Before, nobody can ask. */
function linkedToAll(timeline: Timeline): boolean {
  const id = timeline.run.nodes.find(({ name }) => name === victim)?.id;
  return timeline.run.nodes.every(({ name }) => {
    const links = timeline.seen('links', { node: name }).at(-1);
    return name === victim || !links || links.value.filter(({ node }) => node === id).length === 2;
  });
}

/** Valkey marks whoever loses its address as failed: seen on 8.1 and 9.1. */
const suspectsTheNameless = ({ kind }: EngineInfo): boolean => kind === 'valkey';

/** The victim knows nobody, and everybody lists an id that is not there. */
const stranger = {
  'bus-links-complete': 'violated',
  'data-not-empty': 'violated',
  'epochs-unique': 'violated',
  'no-ghosts': 'violated',
  'recovers-in-time': 'violated',
  'state-ok': 'violated',
  'views-agree': 'violated',
} as const;
/** Nobody owns the slots who is there, and the replica follows the stranger. */
const unserved = {
  'gap-bounded': 'violated',
  'keys-can-be-read': 'violated',
  'replica-follows-primary': 'violated',
  'slots-covered-once': 'violated',
} as const;

export default defineExperiment({
  name: 'nodes-conf-lost',
  hypothesis: 'A primary that is restarted without its data directory is replaced by its replica, and rejoins.',
  failure: {
    level: 'hard',
    symptom: 'a primary that was restarted is a stranger; its slots are served by nobody, or an old id stays in every list',
    cause:
      'Who a node is stands in nodes.conf alone (cluster.c clusterLoadConfig). Its peers strike the address of the id that is not there any more (clusterProcessPacket), and what has no address is never suspected (clusterCron).',
    setting: 'cluster-config-file and dir: whether they lie on what outlives a restart',
    remedy:
      'A persistent data directory. Once it has happened: CLUSTER FAILOVER FORCE at the replica where it has not taken over, CLUSTER FORGET of the old id at every node, CLUSTER MEET of the new one, CLUSTER REPLICATE there. Never start such a primary again before its replica has taken over.',
    engines:
      'Valkey (8.1, 9.1) marks the id that lost its address as failed at once, and the replica takes over: from 9.1 on mostly before it has copied the stranger, before that by chance. On Redis nobody takes over, and the data is gone.',
    audit: 'No setting decides: it is where the directory lies.',
  },
  cluster: { config: { 'cluster-node-timeout': 5_000, save: '3600 1' } },
  workload: setAdd({ rate: 200, readShare: 0 }),
  budget: { lostWrites: 0, unreadableKeys: 0 },
  settleWithin: '4s',
  variants: {
    wounded: {
      about: 'back at once, with an empty directory',
      // What nobody serves cannot be read back, so that nobody can say that it is lost.
      expect: (engine) => ({ ...stranger, ...(suspectsTheNameless(engine) ? {} : unserved), 'no-acknowledged-write-lost': 'open' }),
    },
    late: { about: 'back after its replica was elected, with an empty directory', expect: stranger },
    repair: { about: 'back after its replica was elected, and then the drill', settleWithin: '30s' },
    'repair-at-once': {
      about: 'back at once, and then the drill: everything but the data comes back',
      settleWithin: '30s',
      // On Valkey the replica is elected within 0.1 s (9.1) or 1 s (8.1) after the stranger came, or has copied it by then: it
      // looks for its primary once a second.
      expect: (engine) => ({ 'no-acknowledged-write-lost': suspectsTheNameless(engine) ? 'open' : 'violated' }),
    },
    cured: { about: 'back at once, and the directory persists', settleWithin: '30s' },
  },
  async disturb(stage) {
    const { cluster, ask, perform, until, rename, variant } = stage;
    const old = nodeNamed(cluster, victim);
    const heir = cluster.nodes.find(({ primary }) => primary === victim)?.name ?? '';
    const served = () => until('the replica serves the slots', (timeline) => replaced(timeline, victim), '13s');

    await perform({ run: 'stop', node: victim, graceSeconds: 10 });
    if (variant !== 'cured') await perform(empty);
    if (variant === 'late' || variant === 'repair') await served();
    await perform({ run: 'start', node: victim });
    if (variant === 'cured') return;
    // No failover takes longer.
    await served();
    if (!variant.startsWith('repair')) return;

    if (!replaced(stage.timeline(), victim)) {
      await ask(heir, 'CLUSTER', 'FAILOVER', 'FORCE');
      await served();
    }
    for (const { name } of cluster.nodes) if (name !== victim) await ask(name, 'CLUSTER', 'FORGET', old.id);
    await ask(heir, 'CLUSTER', 'MEET', ipOf(old), 6379);
    await rename(victim);
    await until('the stranger knows everybody', knowsAll, '10s');
    await ask(victim, 'CLUSTER', 'REPLICATE', nodeNamed(cluster, heir).id);
    // Whoever was pinged before it knew the stranger takes the link for its own only at the next ping.
    await until('every node is linked to it', linkedToAll, '20s');
  },
});
