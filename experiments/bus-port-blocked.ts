/*
 * A firewall rule closes the bus port 16379 at one primary; the client port 6379 stays open. People see a node that
 * answers every PING and is failed over all the same: what the others cannot hear on the bus is dead to them
 * (cluster.c clusterCron, markNodeAsFailingIfNeeded).
 *
 * Scaled: the node timeout is 2 s instead of the default 15 s; the mechanism does not depend on it.
 */
import { blockBus, defineExperiment } from '../src/index.ts';

export default defineExperiment({
  name: 'bus-port-blocked',
  hypothesis: 'A primary that loses only its bus port comes back without harm: nobody takes its slots while it answers clients.',
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  variants: {
    wounded: {
      about: 'blocked until a replica takes over; healed, the old primary must rejoin as a replica',
      expect: { 'live-primary-keeps-its-slots': 'violated' },
    },
    cured: { about: 'blocked for less than half the node timeout: nobody notices' },
  },
  async disturb({ inject, until, sleep, variant, cluster }) {
    await using blocked = await inject(blockBus('one primary'));
    // Half the node timeout is where a link is given up; the block ends well before.
    if (variant === 'cured') {
      // Awaited inside the scope: a returned promise would let the fault be healed before the time is up.
      await sleep('900ms');
      return;
    }
    const victim = (blocked.plan as { ids: string[] }).ids[0];
    const replica = cluster.nodes.find(({ primary }) => cluster.nodes.find(({ name }) => name === primary)?.id === victim);
    await until(
      'the replica serves the slots',
      (timeline) =>
        timeline
          .seen('topology', { node: replica?.name ?? '' })
          .at(-1)
          ?.value.some(({ flags, slots }) => flags.includes('myself') && flags.includes('master') && slots.length > 0) ?? false,
      '10s',
    );
    await sleep('1s');
  },
});
