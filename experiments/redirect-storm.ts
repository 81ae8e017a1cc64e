/*
 * Slots move to another primary while clients use them. A client that follows each MOVED and believes none asks the old
 * owner again with every operation, and the storm does not end with the resharding: each operation costs two, and the old
 * owner works for keys that it has not. A client that takes MOVED for news about its slot map is sent on once a slot.
 *
 * The engine has no part in it (cluster.c clusterRedirectClient answers in microseconds). Documents blame migrations and
 * topology changes; those only begin it, and what clients remember decides.
 *
 * Scaled: as many slots as move in 12 s, most of them of one primary, and a few hundred operations a second.
 */
import { covered, defineExperiment, nodeNamed, ownLine, reshard } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const [from, to] = ['node-1', 'node-2'];

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
  budget: { redirectsPerOperation: 0.02, messagesPerSecond: 50_000 },
  variants: {
    wounded: {
      about: 'clients follow redirects and forget them',
      workload: registers({ rate: 300, redirects: 'forget' }),
      expect: { 'redirects-bounded': 'violated' },
    },
    cured: { about: 'clients follow redirects and learn from MOVED', workload: registers({ rate: 300, redirects: 'follow' }) },
  },
  async disturb(stage) {
    // How many slots a second move depends on engine and machine.
    await reshard(stage, { from, to }, { slots: 250, rounds: 20, seconds: 12 });
    // Fewer would make less of a storm than the limit allows.
    const enough = covered(nodeNamed(stage.cluster, to).slots) + 1_000;
    await stage.need(
      `${to} has 1,000 slots more`,
      (timeline) => covered(ownLine(timeline.newest('topology', to) ?? [])?.slots ?? []) >= enough,
      '5s',
    );
    await stage.sleep('4s');
  },
});
