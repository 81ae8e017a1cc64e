/*
 * The network under the bus is bad. Where many packets are lost, TCP repeats them at intervals that double, so that some
 * messages come seconds late: nodes are suspected and cleared, again and again (cluster.c clusterCron). Where the path to a
 * node has a smaller MTU than its ends believe, and ICMP is filtered, messages of the bus never come, while PING and small
 * values do: each has a bitmap of all slots and is larger than 2 KB (cluster.h clusterMsg), so that it needs full packets.
 * People see a primary that answers, whose connections are all open, and that is failed over.
 *
 * Scaled: the node timeout is 1 s, and 6.5 s for the cure instead of the default of 15 s. The loss lasts twice as long as the
 * timeout: a node is suspected one and a half of them after it went silent at the latest, so that a timeout which bears
 * nothing would show. What the run shows is that 6.5 s bear a loss of 30 %: a segment must be lost five times in a row before
 * its link is given up after half of that, and the link in the other direction must be silent for as long.
 *
 * One document blames the MTU of the device, jumbo frames, and the number of slots of a node for large messages. The bitmap
 * is always whole. And a small MTU at an end harms nobody (variant device-mtu): both ends agree on the smaller segment when
 * they connect, and those that are connected already are told by the kernel.
 */
import loss from '../src/fault/loss.ts';
import pathMtu from '../src/fault/path-mtu.ts';
import smallMtu from '../src/fault/small-mtu.ts';
import { defineExperiment, replaced } from '../src/index.ts';

export default defineExperiment({
  name: 'gossip-packet-loss',
  hypothesis: 'TCP hides from the bus what a bad network loses: nobody is taken for dead.',
  failure: {
    level: 'medium',
    symptom: 'nodes are marked fail? and cleared again every few seconds, or one is failed over though it can be reached',
    cause:
      'Repeated segments come later than the node timeout (cluster.c clusterCron); where the path MTU is too small, those of a bus message, which is larger than 2 KB (clusterMsg), never come.',
    setting: 'cluster-node-timeout beside the loss; the MTU of tunnels, and firewalls that drop ICMP "fragmentation needed"',
    remedy: 'The default node timeout; for tunnels MSS clamping, the MTU of the path at the devices, or net.ipv4.tcp_mtu_probing.',
    audit: { scale: { 'cluster-node-timeout': 1 }, lines: ['cluster-node-timeout 15000'] },
  },
  cluster: { config: { 'cluster-node-timeout': 1_000 } },
  budget: { suspicions: 0, failovers: 0 },
  variants: {
    wounded: { about: 'the bus of one replica loses 30 % of its packets in each direction', expect: { 'suspicions-bounded': 'violated' } },
    cured: { about: 'the same loss, and a node timeout of 6.5 s', config: { 'cluster-node-timeout': 6_500 } },
    'path-mtu': {
      about: 'packets above 1,400 bytes between one primary and the other nodes vanish',
      expect: { 'suspicions-bounded': 'violated', 'failovers-bounded': 'violated', 'live-primary-keeps-its-slots': 'violated' },
    },
    'device-mtu': { about: 'the MTU of one primary itself is 576 bytes' },
  },
  async disturb({ cluster, inject, sleep, until, variant }) {
    if (variant === 'path-mtu') {
      await using narrow = await inject(pathMtu('one primary', { mtuBytes: 1_400 }));
      await until('it is replaced', (timeline) => replaced(timeline, narrow.nodes[0] ?? ''), '15s');
    } else if (variant === 'device-mtu') {
      await using _small = await inject(smallMtu('one primary', { mtuBytes: 576 }));
      await sleep('8s');
    } else {
      await using _losing = await inject(loss('one replica', { percent: 30, port: 'bus' }));
      await sleep(`${Math.max(13_000, 2 * Number(cluster.settings['cluster-node-timeout']))}ms`);
    }
  },
});
