/*
 * Slots move to another primary while clients use them. A client that follows each MOVED and believes none asks the old
 * owner again with every operation, and the storm does not end with the resharding: each operation costs two, and the old
 * owner works for keys that it has not. A client that takes MOVED for news about its slot map is sent on once a slot.
 *
 * The engine has no part in it (cluster.c clusterRedirectClient answers in microseconds). Documents blame migrations and
 * topology changes; those only begin it, and what clients remember decides.
 *
 * Scaled: most slots of one of three primaries, a few hundred operations a second.
 */
import { covered, defineExperiment, engine, nodeNamed, ownLine } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const [from, to] = ['node-1', 'node-2'];
/** Some stay, or the primary would become a replica. */
const slots = 5_000;

export default defineExperiment({
  name: 'redirect-storm',
  hypothesis: 'After a resharding under load clients are soon sent elsewhere no more.',
  failure: {
    level: 'easy',
    symptom: 'MOVED and ASK make up a good part of all replies, latency has doubled, and it goes on after the resharding is done',
    cause:
      'The client follows a redirect and does not refresh its slot map, so that every operation on a moved slot asks the old owner first (cluster.c getNodeByQuery, clusterRedirectClient).',
    setting: 'The client: whether it refreshes its slot map at MOVED.',
    remedy:
      'A cluster-aware client that refreshes at MOVED, with the refresh limited in its rate; ASK is for one operation only and no reason to refresh.',
    audit: 'No setting of the engine decides: what the client remembers does.',
  },
  // Every slot that is given away is told to everybody at once (cluster.c clusterBroadcastPong): thousands of messages a second.
  budget: { redirectsPerOperation: 0.05, messagesPerSecond: 50_000 },
  variants: {
    wounded: {
      about: 'clients follow redirects and forget them',
      workload: registers({ rate: 300, redirects: 'forget' }),
      expect: { 'redirects-bounded': 'violated' },
    },
    cured: { about: 'clients follow redirects and learn from MOVED', workload: registers({ rate: 300, redirects: 'follow' }) },
  },
  async disturb({ cluster, perform, until, sleep }) {
    const [source, target] = [nodeNamed(cluster, from), nodeNamed(cluster, to)];
    await perform(
      engine(
        from,
        `setsid $CLI --cluster reshard ${source.address} --cluster-from ${source.id} --cluster-to ${target.id} --cluster-slots ${slots} --cluster-yes </dev/null >/tmp/reshard 2>&1 &`,
      ),
    );
    const kept = covered(source.slots) - slots;
    await until(
      'the slots have moved',
      (timeline) => covered(ownLine(timeline.seen('topology', { node: from }).at(-1)?.value ?? [])?.slots ?? []) <= kept,
      '25s',
    );
    await sleep('3s');
  },
});
