/*
 * A new node cannot call back: its own connections to the bus ports of the others are refused, theirs to it go through, as
 * behind NAT or a rule for outgoing traffic. The introducer gets its PONG and lists a connected primary, and so does
 * everybody who hears of it by gossip. On Redis the node must call back before it takes anybody for a member, its handshakes
 * expire, and it knows nobody (cluster.c clusterProcessPacket on MEET, clusterCron). Nobody sends MEET a second time to
 * whom he knows, and packets of a sender that it does not know are not listened to: it stays so when the path is opened.
 *
 * Scaled: the node timeout, and the handshake's with it, is 2 s instead of 15 s. The new node is a replica that was reset
 * with HARD and forgotten by all the others, so that it is judged as the member that it should become.
 */
import blockBus from '../src/fault/block-bus.ts';
import { bitten, defineExperiment } from '../src/index.ts';
import { estrange, meet, newestView, replicate } from '../src/joining.ts';
import type { TopologyView } from '../src/timeline/observation.ts';

export default defineExperiment({
  name: 'half-joined-node',
  hypothesis: 'A node that all the others list as connected knows them too, at the latest once it can call back.',
  failure: {
    level: 'hard',
    symptom: 'all nodes list the new one as a connected master, while it knows nobody and says cluster_state:fail',
    cause:
      'A node takes whoever MEETs it for a member only when its own call back is answered (cluster.c clusterProcessPacket, clusterCron: handshake timeout). The others need no more than the PONG over their own connection, and send MEET only once.',
    setting: 'a firewall or NAT that lets the bus connections to the new node through and not those from it, when MEET is given',
    remedy: 'Open the way back and give CLUSTER MEET again; ask CLUSTER NODES of the new node itself, not only of the others.',
    engines:
      'Valkey (8.1, 9.1) takes whom the MEET gossips of for members at once, and sends MEET again to a node from which no connection has come (clusterNodeCronHandleReconnect): the node has joined before it can call back, only its links flap. Redis, up to 8.0, stays half joined.',
    audit: 'No setting decides: it is the firewall.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  variants: {
    wounded: {
      about: 'introduced while it cannot call back; the way is opened afterwards, and nobody introduces it again',
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
      unsuited: ({ kind }) =>
        kind === 'valkey' ? 'it sends MEET again, and the node joins by itself: that is the variant again' : undefined,
    },
    anyway: {
      about: 'the same, where the node joins all the same',
      unsuited: ({ kind }) => (kind === 'redis' ? 'there it stays half joined: that is the variant wounded' : undefined),
    },
    cured: { about: 'once it can call back CLUSTER MEET is given again, and then CLUSTER REPLICATE' },
  },
  async disturb(stage) {
    const { cluster, inject, need, sleep, timeline, variant } = stage;
    const newcomer = cluster.nodes.find(({ formedAs }) => formedAs === 'replica');
    const others = cluster.nodes.filter((node) => node !== newcomer);
    const [introducer] = others;
    if (!introducer || !newcomer) throw new Error('there is no replica');
    {
      await using refused = await inject(blockBus(newcomer.name, { connections: 'from' }));
      await need('its calls are seen to be refused', (seen) => bitten(seen, refused), '5s');
      await estrange(stage, newcomer.name);
      await meet(stage, introducer.name, newcomer);
      const id = timeline().run.nodes.find(({ name }) => name === newcomer.name)?.id;
      const lists = (view: TopologyView): boolean => view.some((peer) => peer.id === id && !peer.flags.includes('handshake'));
      await need('all the others list it', (seen) => others.every(({ name }) => lists(newestView(seen, name))), '20s');
      // Each of them has met it by now, and a handshake of its own lives for the node timeout.
      await sleep('3s');
    }
    if (variant === 'cured') await meet(stage, introducer.name, newcomer);
    const primary = cluster.nodes.find(({ name }) => name === newcomer.primary);
    await replicate(stage, newcomer.name, primary?.id ?? '', '6s');
  },
});
