/*
 * CLUSTER FORGET takes a node out of the memory of whoever is told, and bans it there for a minute (cluster.c
 * clusterBlacklistAddNode). Whoever was not told goes on gossiping of it, and as soon as the ban ends it is back: a node
 * that was taken out of service is a member again, and clients get its address. Redis from 7.2 on tells the others of the
 * ban, so that one FORGET is enough. Valkey does so too and from 8.1 on undoes it: whoever lives on dials in, shows as a
 * handshake now and then, and is a full member when the ban ends, also when everybody was told.
 *
 * Scaled: on Valkey the ban is 10 s (cluster-blacklist-ttl). Redis has the 60 s compiled in (CLUSTER_BLACKLIST_TTL), so
 * that a run takes more than a minute there. The node to be forgotten is a spare that joined as a primary without slots.
 */
import { defineExperiment } from '../src/index.ts';
import { meet, newestView } from '../src/joining.ts';
import { spreadsBans } from '../src/membership.ts';
import type { EngineInfo, Expectation } from '../src/timeline.ts';

const returned: Expectation = { 'no-ghosts': 'violated', 'views-agree': 'violated', 'recovers-in-time': 'violated' };
/** Valkey tells the others too, but lets the node in again. */
const tellsOthers = (engine: EngineInfo): boolean => engine.kind === 'redis' && spreadsBans({ engine });

export default defineExperiment({
  name: 'forgotten-node-returns',
  hypothesis: 'A node that CLUSTER FORGET has taken out stays out when the ban ends.',
  failure: {
    level: 'medium',
    symptom: 'a node that was removed with CLUSTER FORGET is listed again a minute later, or shows now and then as a handshake',
    cause:
      'The ban of CLUSTER FORGET lasts 60 s (cluster.c CLUSTER_BLACKLIST_TTL), and holds where it was told, before Redis 7.2 nowhere else. Any member that still lists the node brings it back by gossip (clusterProcessGossipSection). On Valkey from 8.1 on the node itself comes back as long as its process lives.',
    setting: 'CLUSTER FORGET at some of the members only, or a process that goes on; cluster-blacklist-ttl on Valkey from 8.0 on',
    remedy: 'Stop the process first, then CLUSTER FORGET at every member within the minute, and look again when it is over.',
    engines:
      'Redis before 7.2: comes back unless all were told. Redis from 7.2: one FORGET is enough. Valkey from 8.1: comes back while it lives, whoever was told.',
    audit: 'No setting decides: who is told, and whether the process is stopped.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 }, spares: 1 },
  settleWithin: '6s',
  variants: {
    wounded: {
      about: 'one member is told to forget it, and its process goes on',
      expect: returned,
      unsuited: (engine) => (tellsOthers(engine) ? 'one that is told tells the others: that is the variant told' : undefined),
    },
    told: {
      about: 'the same, where the one that is told tells the others',
      unsuited: (engine) => (tellsOthers(engine) ? undefined : 'it does not tell, or not for good: that is the variant wounded'),
    },
    alive: {
      about: 'all members are told, and its process goes on',
      expect: ({ kind }) => (kind === 'valkey' ? returned : {}),
    },
    cured: { about: 'its process is stopped, and then all members are told' },
  },
  async disturb(stage) {
    const { cluster, ask, tell, perform, until, need, sleep, variant } = stage;
    const [spare] = cluster.spares ?? [];
    const [first] = cluster.nodes;
    if (!spare || !first) throw new Error('there is no spare');
    const members = cluster.nodes.map(({ name }) => name);
    const bans = await Promise.all([...members, spare.name].map((name) => ask(name, 'CONFIG', 'SET', 'cluster-blacklist-ttl', 10)));
    const banSeconds = bans.every((answer) => answer === 'OK') ? 10 : 60;
    const id = await ask(spare.name, 'CLUSTER', 'MYID');
    const listed = (at: readonly string[]) => (timeline: Parameters<typeof newestView>[0]) =>
      at.every((name) => newestView(timeline, name).some((peer) => peer.id === id && !peer.flags.includes('handshake')));
    await meet(stage, first.name, spare);
    await need('everybody lists it', listed(members), '10s');

    if (variant === 'cured') await perform({ run: 'stop', node: spare.name, graceSeconds: 5 });
    const told = variant === 'wounded' || variant === 'told' ? [first.name] : members;
    // Where the ban spreads, whoever is told later may have forgotten it already.
    for (const [index, name] of told.entries()) await (index === 0 ? tell : ask)(name, 'CLUSTER', 'FORGET', id);
    await need('whoever was told has forgotten it', (timeline) => told.every((name) => !listed([name])(timeline)), '5s');
    // Nobody can tell before the ban ends. It is counted in whole seconds, and gossip takes a moment.
    if (variant === 'cured') await sleep(`${banSeconds + 2}s`);
    else await until('everybody lists it again', listed(members), `${banSeconds + 5}s`);
  },
});
