/*
 * A firewall lets the bus port through in one direction only. Which packets it means decides what people see. A rule that
 * knows connections, as those of security groups do, refuses the ones that peers open to the node and lets the node's own
 * through, or the reverse: CLUSTER NODES shows a link that flaps or is gone, and hardly anybody is suspected, since any packet
 * of a node is a sign of its life, over whichever of the two connections it came (cluster.c clusterProcessPacket, data_received).
 * Hardly: a node that heard of another through gossip does not ping it (clusterProcessGossipSection, pong_received), so that by
 * chance nothing may come for a node timeout, and a single node says fail? for a moment.
 * A rule that looks at packets alone, such as iptables without state, breaks both connections whichever way it drops, and
 * the node is failed over while it answers its clients: once for each time that the rule comes back. Towards a single peer
 * it gives a fail? that never becomes fail, which takes a majority (markNodeAsFailingIfNeeded).
 *
 * Scaled: the node timeout is 3 s instead of 15 s. Each direction is blocked until a replica has taken over, or for 12 s.
 */
import blockBus from '../src/fault/block-bus.ts';
import partition from '../src/fault/partition.ts';
import { defineExperiment, isHealthy, type Timeline } from '../src/index.ts';
import { newestView } from '../src/joining.ts';

const promotions = (timeline: Timeline): number => timeline.of('log-line').filter(({ kind }) => kind === 'election-won').length;

/** Nobody waits for an answer on the bus, by what all have said since the last heal. */
const answersAll = (timeline: Timeline): boolean => {
  const fromMs = timeline.of('fault-healed').at(-1)?.atMs ?? 0;
  return timeline.run.nodes.every(({ name }) =>
    timeline
      .seen('topology', { node: name, fromMs })
      .at(-1)
      ?.value.every(({ pingSentAt }) => pingSentAt === 0),
  );
};

export default defineExperiment({
  name: 'bus-port-half-open',
  hypothesis: 'A bus port that is open in one direction only costs no failover, for a node that can speak or hear is not dead.',
  failure: {
    level: 'medium',
    symptom: 'links of one node flap; some nodes say fail? and others do not, or it is failed over again and again while it answers',
    cause:
      'A bus link is two TCP connections, one opened by each side. Dropping packets one way breaks both, as neither gets its acknowledgements, and the peers then hear nothing for a node timeout (cluster.c clusterCron). Refusing only the connections of one side leaves the other, whose packets count as signs of life (data_received).',
    setting: 'a firewall rule for the bus port (client port + 10000) that covers one direction, and whether the firewall knows connections',
    remedy:
      'Open the bus port in both directions between all nodes; compare CLUSTER NODES of several nodes, since one view does not show it.',
    audit: 'No setting decides: it is the firewall. A longer cluster-node-timeout only bears a longer block.',
  },
  cluster: { config: { 'cluster-node-timeout': 3_000 } },
  budget: { suspicions: 0, failovers: 0 },
  variants: {
    wounded: {
      about: 'packets are dropped inbound, later outbound, each until a replica takes over: the rule that comes back fails over twice',
      expect: { 'live-primary-keeps-its-slots': 'violated', 'suspicions-bounded': 'violated', 'failovers-bounded': 'violated' },
    },
    'one-peer': {
      about: 'one primary no longer hears one other: both say fail? for as long as it lasts, and nobody else does',
      expect: { 'suspicions-bounded': 'violated' },
    },
    cured: {
      about: 'the rule knows connections: those of one side are refused, later those of the other, and nobody is failed over',
      // Seen in one run of fifteen: one node that suspected one other for half a second.
      budget: { suspicions: 3 },
    },
  },
  async disturb({ inject, until, sleep, timeline, variant }) {
    for (const way of ['in', 'out'] as const) {
      {
        if (variant === 'one-peer') {
          const [deaf, dumb] = way === 'in' ? ['node-1', 'node-2'] : ['node-2', 'node-1'];
          await using _parted = await inject(partition(dumb, { against: deaf, oneWay: true, port: 'bus' }));
          const suspected = (seen: Timeline): boolean => newestView(seen, deaf).some(({ flags }) => flags.includes('fail?'));
          await until(`${deaf} suspects ${dumb}`, suspected, '10s');
          // Another node timeout, in which nobody joins in.
          await sleep('3s');
        } else if (variant === 'cured') {
          await using _refused = await inject(blockBus('one primary', { connections: way === 'in' ? 'to' : 'from' }));
          // Twice the node timeout, and hardly anybody may suspect anybody.
          await sleep('6s');
        } else {
          const before = promotions(timeline());
          await using _blocked = await inject(blockBus('one primary', { direction: way }));
          await until('a replica has taken over', (seen) => promotions(seen) > before, '12s');
        }
      }
      // A link that is still being dialled is called connected; the other direction must not be blocked before it is there.
      await until('all is well again, and every ping is answered', (seen) => isHealthy(seen) && answersAll(seen), '20s');
    }
  },
});
