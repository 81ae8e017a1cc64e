/*
 * A firewall rule closes the bus port 16379 at one primary; the client port 6379 stays open. People see a node that
 * answers every PING and is failed over all the same: what the others cannot hear on the bus is dead to them
 * (cluster.c clusterCron, markNodeAsFailingIfNeeded).
 *
 * Scaled: the node timeout is 3 s instead of the default 15 s; the mechanism does not depend on it.
 */
import blockBus from '../src/fault/block-bus.ts';
import { bitten, defineExperiment, replaced } from '../src/index.ts';

export default defineExperiment({
  name: 'bus-port-blocked',
  hypothesis: 'A primary that loses only its bus port comes back without harm: nobody takes its slots while it answers clients.',
  failure: {
    level: 'easy',
    symptom: 'a node answers every PING and is failed over all the same',
    cause:
      'Nodes judge each other on the bus port alone (cluster.c clusterCron, markNodeAsFailingIfNeeded); a rule that lets 6379 through and drops 16379 leaves a primary that clients can reach and its peers cannot.',
    setting: 'a firewall rule or security group without the bus port, which is the client port + 10000, in both directions',
    remedy:
      'Open the bus port between all nodes, and watch CLUSTER NODES of several nodes beside PING; what is healed rejoins as a replica by itself.',
    audit:
      'No setting decides: whoever closes the bus port for longer than cluster-node-timeout sees it. A longer timeout only bears a longer block.',
  },
  cluster: { config: { 'cluster-node-timeout': 3_000 } },
  variants: {
    wounded: {
      about: 'blocked until a replica takes over; healed, the old primary must rejoin as a replica',
      expect: { 'live-primary-keeps-its-slots': 'violated' },
    },
    cured: { about: 'blocked for about half the node timeout: nobody is marked failed' },
  },
  async disturb({ inject, until, sleep, variant }) {
    await using blocked = await inject(blockBus('one primary'));
    if (variant === 'cured') {
      // A peer pings at the latest when it has heard nothing for half the node timeout, so the block bites by then. It
      // ends there: a link given up now is opened again a second later, by TCP's first repeated SYN, still in time.
      await until('the fault bites', (timeline) => bitten(timeline, blocked), '1700ms');
      return;
    }
    await until('the replica serves the slots', (timeline) => replaced(timeline, blocked.nodes[0] ?? ''), '15s');
    await sleep('1s');
  },
});
