/*
 * A healing script looks for nodes in FAIL and sends each of them CLUSTER FAILOVER TAKEOVER, as one document has it. A
 * primary refuses that. A replica that was cut off does it: it makes itself a primary, under a config epoch above all that it
 * knows, and asks nobody (cluster.c clusterBumpConfigEpochWithoutConsensus). Alone it serves no one, so nothing seems to
 * happen. When the network heals its epoch wins: the primary that had a majority and took writes all the time becomes its
 * replica, and everything that was acknowledged since the cut is gone, without any window that bounds it.
 *
 * Scaled: the node timeout is 2 s instead of 15 s. The loss is as long as the cut.
 *
 * The run also shows a way back before the heal: BUMPEPOCH lifts the one that shall win above the replica. It takes a second
 * primary, for a node that has the greatest epoch it knows of stays where it is, and one step makes a tie, which the order of
 * the ids decides (clusterHandleConfigEpochCollision). FORCE behind a cut gets no votes, but the order stands for 5 s
 * (CLUSTER_MF_TIMEOUT): where the network heals in that time, it may still win, and the loss is the same.
 */
import { nodeNamed } from '../src/cluster.ts';
import kill from '../src/fault/kill.ts';
import partition from '../src/fault/partition.ts';
import { defineExperiment, listedBy, replaced, type Timeline } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

const epochAt = (timeline: Timeline, node: string): number => timeline.newest('cluster-info', node)?.counters['cluster_current_epoch'] ?? 0;

export default defineExperiment({
  name: 'takeover-epoch-conflict',
  hypothesis: 'Telling a failed node to take over can do no harm to a primary that serves.',
  failure: {
    level: 'hard',
    symptom: 'the network healed, and the data of a healthy primary jumped back to the moment at which its replica was cut off',
    cause:
      'TAKEOVER raises the config epoch without a vote (cluster.c clusterBumpConfigEpochWithoutConsensus), and the greater epoch wins the slots, whoever has the data (clusterUpdateSlotsConfigWith).',
    setting: 'no setting: TAKEOVER at a node that the others cannot reach',
    remedy:
      'FAILOVER FORCE at a replica that the majority can reach; TAKEOVER only where the majority is surely dead, and never by a script.',
    audit: 'No setting decides: the epoch is raised by a deed.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000, appendonly: 'yes' } },
  workload: setAdd({ rate: 300, readShare: 0 }),
  variants: {
    wounded: {
      about: 'TAKEOVER at a replica that is cut off',
      // By chance the old primary is elected again by what it suspected before the heal, and deposes one that answers.
      expect: { 'no-acknowledged-write-lost': 'violated', 'live-primary-keeps-its-slots': 'open' },
    },
    repair: {
      about: 'the same, and before the heal the serving primary is given a greater epoch',
    },
    cured: { about: 'FAILOVER FORCE at the same replica: no majority, no harm' },
    majority: {
      about: 'FAILOVER FORCE where it belongs: the primary is dead, and its replica, which may not fail over by itself, has a majority',
      config: { 'cluster-replica-no-failover': 'yes' },
    },
  },
  async disturb({ cluster, inject, ask, need, sleep, tell, variant }) {
    if (variant === 'majority') {
      await using killed = await inject(kill('one primary'));
      const [dead = ''] = killed.nodes;
      const replica = cluster.nodes.find(({ primary }) => primary === dead)?.name ?? '';
      const { id } = nodeNamed(cluster, dead);
      await need('the majority has marked it', (now) => listedBy(now, replica, id)?.flags.includes('fail') ?? false, '8s');
      await tell(replica, 'CLUSTER', 'FAILOVER', 'FORCE');
      await need('the replica serves the slots', (now) => replaced(now, dead), '6s');
      return;
    }
    await using parted = await inject(partition('one replica'));
    const [name = ''] = (parted.plan as { cutOff: string[] }).cutOff;
    const replica = nodeNamed(cluster, name);
    const primary = replica.primary ?? '';
    await need('its primary lists it as failed', (now) => listedBy(now, primary, replica.id)?.flags.includes('fail') ?? false, '8s');
    // A refusal of FORCE does no harm either.
    if (variant === 'cured') await ask(name, 'CLUSTER', 'FAILOVER', 'FORCE');
    else await tell(name, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    // For long enough to see who is served meanwhile; FORCE until it has given up (CLUSTER_MF_TIMEOUT).
    await sleep(variant === 'cured' ? '6s' : '1s');
    if (variant !== 'repair') return;
    const majority = cluster.nodes.filter((node) => node.name !== name);
    const other = majority.find(({ formedAs, name: peer }) => formedAs === 'primary' && peer !== primary)?.name ?? '';
    // The other one once more in the end, so that it is not left in a tie with the replica, which would raise itself then.
    for (const node of [other, primary, other]) {
      const [, raised] = (await tell(node, 'CLUSTER', 'BUMPEPOCH')).split(' ');
      await need('the majority has heard of it', (now) => majority.every((peer) => epochAt(now, peer.name) >= Number(raised)), '5s');
    }
  },
});
