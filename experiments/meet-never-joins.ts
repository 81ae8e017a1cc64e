/*
 * CLUSTER MEET answers OK as soon as the engine has noted whom to call (cluster.c clusterStartHandshake). Nothing of the
 * network has been tried by then. Where the bus port is closed the handshake is dropped after the node timeout, at least
 * 1 s, and nobody says a word (clusterCron; Valkey logs it): the node never appears, also not when the port is opened
 * later, since nobody tries again.
 *
 * Scaled: the node timeout, and the handshake's with it, is 2 s instead of 15 s. The new node is a replica that was reset
 * with HARD and forgotten by all the others, so that it is judged as the member that it should become.
 */
import blockBus from '../src/fault/block-bus.ts';
import { defineExperiment } from '../src/index.ts';
import { estrange, meet, newestView, replicate } from '../src/joining.ts';

export default defineExperiment({
  name: 'meet-never-joins',
  hypothesis: 'A node that was introduced with CLUSTER MEET, answered by OK, joins as soon as its bus port is open.',
  failure: {
    level: 'easy',
    symptom: 'CLUSTER MEET answers OK and the new node never shows in CLUSTER NODES',
    cause:
      'OK means that a handshake was noted (cluster.c clusterStartHandshake). It is tried over the bus port, and dropped in silence when nobody has answered within the node timeout (clusterCron); it is never tried again.',
    setting: 'a closed bus port (client port + 10000) between the new node and the one that introduces it, when MEET is given',
    remedy: 'Open the bus port both ways, give CLUSTER MEET again, and believe CLUSTER NODES of both sides instead of the OK.',
    engines: 'Valkey logs "Clusterbus handshake timeout"; Redis says nothing at its default log level.',
    audit: 'No setting decides: it is the firewall. cluster-node-timeout is how long the handshake shows before it is gone.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  variants: {
    wounded: {
      about: 'introduced while the bus port is closed; it is opened afterwards, and nobody introduces it again',
      settleWithin: '6s',
      // Redis 6.0 tells of its own half of each link only, as it has no CLUSTER LINKS.
      expect: ({ version }) => ({
        'views-agree': 'violated',
        'state-ok': 'violated',
        'epochs-unique': 'violated',
        'data-not-empty': 'violated',
        'recovers-in-time': 'violated',
        ...(version.startsWith('6.') ? {} : { 'bus-links-complete': 'violated' }),
      }),
    },
    cured: { about: 'once the port is open CLUSTER MEET is given again, and then CLUSTER REPLICATE' },
  },
  async disturb(stage) {
    const { cluster, inject, need, variant } = stage;
    const [introducer, newcomer] = [cluster.nodes[0], cluster.nodes.find(({ formedAs }) => formedAs === 'replica')];
    if (!introducer || !newcomer) throw new Error('there is no replica');
    const hasHandshake = (view: ReturnType<typeof newestView>): boolean => view.some(({ flags }) => flags.includes('handshake'));
    // First, while the port is open: what the kernel holds back of the old id would come through once it is opened again.
    await estrange(stage, newcomer.name);
    {
      await using _closed = await inject(blockBus(newcomer.name, { direction: 'in' }));
      await meet(stage, introducer.name, newcomer);
      await need('the handshake shows', (timeline) => hasHandshake(newestView(timeline, introducer.name)), '5s');
      await need('the handshake is gone', (timeline) => !hasHandshake(newestView(timeline, introducer.name)), '30s');
    }
    if (variant === 'cured') await meet(stage, introducer.name, newcomer);
    const primary = cluster.nodes.find(({ name }) => name === newcomer.primary);
    await replicate(stage, newcomer.name, primary?.id ?? '', '4s');
  },
});
