/*
 * After a partition one side has data that the other has not. A document says what to do: stop writes, choose a side,
 * CLUSTER RESET HARD on the minority, add it again. The engine has done most of that already: the minority has stopped
 * itself, the config epoch has chosen the side, and when the network heals the old primary becomes a replica and throws its
 * own writes away (cluster.c clusterUpdateSlotsConfigWith). The recipe costs more than it says: a primary with keys refuses
 * to be reset until it is flushed, and HARD gives it a new id. Whoever does not FORGET the old one at every node keeps a
 * ghost, flagged fail for ever. Whoever does so at once may get it back: gossip that waits in the kernels since the cut tells
 * the node that was reset of its old self, and nobody can be told in advance to forget whom it does not know. To compare
 * LASTSAVE, as the document has it, tells nothing, and CLUSTER CHECK-SLOTS does not exist.
 *
 * Scaled: the node timeout is 2 s instead of 15 s. What the minority acknowledged alone is lost either way, and counted.
 */
import { nodeNamed } from '../src/cluster.ts';
import { ipOf } from '../src/driver.ts';
import partition from '../src/fault/partition.ts';
import { defineExperiment, isPrimary, listedBy, refuses, replaced, type Timeline } from '../src/index.ts';
import type { NodeView } from '../src/timeline/observation.ts';
import { relapseUntilMs } from '../src/timeline/relapse.ts';
import setAdd from '../src/workload/set-add.ts';

const isMember = (peer: NodeView | undefined): boolean => peer !== undefined && !peer.flags.includes('handshake');
const isServing = (peer: NodeView | undefined): boolean => peer !== undefined && isPrimary(peer) && peer.slots.length > 0;

export default defineExperiment({
  name: 'minority-reset',
  hypothesis: 'A minority that is reset and met again after a split leaves nothing of its old self behind.',
  failure: {
    level: 'hard',
    symptom: 'the node that was reset is back, and every node lists a second one, failed and without an address, for ever',
    cause:
      'CLUSTER RESET HARD takes a new id (cluster.c clusterReset), and a node that is listed goes only by CLUSTER FORGET at each node that lists it.',
    setting: 'no setting: which steps of the recipe are done',
    remedy:
      'Nothing: let the partition heal. Where a node must be reset, FORGET its old id at every node, itself included, as long after the heal as the cut lasted.',
    engines:
      'Redis from 7.2 on and Valkey tell each other whom to forget, so that one FORGET is enough; before, it takes one at each node.',
    audit: 'No setting decides: the ghost is left by a deed.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 }, places: 2 },
  workload: setAdd({ rate: 300, readShare: 0, places: ['client-1', 'client-2'] }),
  // A primary that is cut off is rightly replaced, although it answers whoever is on its side.
  invariants: { except: ['live-primary-keeps-its-slots'] },
  variants: {
    wounded: {
      about: 'FLUSHALL, RESET HARD, MEET and REPLICATE, and nobody forgets the old id',
      settleWithin: '10s',
      // Redis before 7.0 has no CLUSTER LINKS, and the ghost is one to which there is no link.
      expect: ({ kind, version }) => ({
        'views-agree': 'violated',
        'no-ghosts': 'violated',
        'recovers-in-time': 'violated',
        ...(kind === 'redis' && version.startsWith('6.') ? { 'bus-links-complete': 'violated' } : {}),
      }),
    },
    repair: {
      about: 'the same, and in the end FORGET of the old id at every node',
      // FORGET waits for what is still on its way, as long after the heal as the cut has lasted.
      invariants: { except: ['recovers-in-time'] },
    },
    cured: { about: 'nothing but the heal' },
  },
  async disturb({ cluster, inject, ask, tell, rename, need, variant, note }) {
    const parted = await inject(partition('one primary', { withTarget: 'client-1' }));
    const [name = ''] = (parted.plan as { cutOff: string[] }).cutOff;
    const others = cluster.nodes.filter((node) => node.name !== name);
    const [minority, heir] = [nodeNamed(cluster, name), others.find(({ primary }) => primary === name)];
    await need('the replica serves the slots', (now) => replaced(now, name), '15s');
    if (!heir || variant === 'cured') return parted.heal();

    // Until it knows that it is alone it takes writes, and whoever has keys is not reset.
    await need('the minority refuses', (now) => refuses(now, name), '10s');
    note(`RESET HARD before FLUSHALL: ${await ask(name, 'CLUSTER', 'RESET', 'HARD')}`);
    await tell(name, 'FLUSHALL');
    await tell(name, 'CLUSTER', 'RESET', 'HARD');
    const id = await ask(name, 'CLUSTER', 'MYID');
    await rename(name);
    await parted.heal();
    await tell(heir.name, 'CLUSTER', 'MEET', ipOf(minority), 6379);
    await need(
      'everybody knows the new id, and it knows whom to replicate',
      (now) => others.every((other) => isMember(listedBy(now, other.name, id))) && isServing(listedBy(now, name, heir.id)),
      '12s',
    );
    await tell(name, 'CLUSTER', 'REPLICATE', heir.id);
    if (variant !== 'repair') return;
    const isPast = (now: Timeline): boolean => (now.events.at(-1)?.atMs ?? 0) > relapseUntilMs(now);
    await need('nothing from before the heal is on its way any more', isPast, '20s');
    for (const node of cluster.nodes) await ask(node.name, 'CLUSTER', 'FORGET', minority.id);
  },
});
