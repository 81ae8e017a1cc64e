/*
 * The name server goes silent, and then something ordinary happens: a replica dies, or slots change hands. Where nodes
 * know one another by address nobody notices: the bus never looks up a name (cluster.c, which has addresses only). Two
 * habits change that.
 *
 * A host name in cluster-announce-ip, which the engine takes for an address without looking at it: each attempt to open a
 * link to a node that is down now asks the name server, in the main thread and ten times a second (cluster.c clusterCron,
 * connect, anet.c anetTcpGenericConnect, getaddrinfo). One dead replica stalls every node of the cluster for as long as
 * the name server is silent.
 *
 * Names for clients, by cluster-announce-hostname and cluster-preferred-endpoint-type: nodes stay well, and clients keep
 * the connections that they have. After a failover they are sent to a name that they cannot look up.
 *
 * The documents say that DNS failures part the nodes; it is the first of these habits that does.
 *
 * Scaled: a lookup without an answer takes 2 s instead of the resolver's 10 s (resolv.conf: timeout and attempts); the
 * node timeout is 6 s instead of 15 s, longer than two stalls, so that nobody is taken for dead who only waits.
 */
import dnsFailure from '../src/fault/dns-failure.ts';
import failover from '../src/fault/failover.ts';
import kill from '../src/fault/kill.ts';
import { defineExperiment, markedFail, nodeNamed, replaced, type EngineInfo } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const noNames = ({ kind, version }: EngineInfo): string | undefined =>
  kind === 'redis' && Number.parseInt(version, 10) < 7 ? `Redis ${version} announces no host names to clients` : undefined;
/** It is told to hand over its slots, and answers all the time. */
const orderly = { except: ['live-primary-keeps-its-slots'] };

export default defineExperiment({
  name: 'dns-gone',
  hypothesis: 'A cluster whose name server is silent serves as before, also while a replica dies or a primary hands over its slots.',
  failure: {
    level: 'medium',
    symptom: 'the name server is down, one replica dies, and every node of the cluster stands still for seconds at a time',
    cause:
      'cluster-announce-ip takes a name for an address; each attempt to reconnect then calls getaddrinfo in the main thread (cluster.c clusterCron, anet.c anetTcpGenericConnect). Clients that are told names (cluster-preferred-endpoint-type hostname) cannot follow a redirect.',
    setting: 'a host name in cluster-announce-ip; cluster-preferred-endpoint-type hostname without a name server that is always there',
    remedy:
      'Announce addresses to the bus, and names by cluster-announce-hostname only; tell clients addresses, or give them a cache of names and the name server a replica.',
    engines:
      'All engines stand still alike, for as long as one lookup takes at least. Names for clients are announced from Redis 7.0 on and by every Valkey.',
    audit:
      'A cluster-announce-ip that is no address decides, at any node: `CONFIG GET cluster-announce-ip` tells. Each node has its own, so that no single redis.conf can be tried.',
  },
  cluster: { places: 2, config: { 'cluster-node-timeout': 6_000 } },
  workload: registers({ rate: 200, places: ['client-1', 'client-2'] }),
  // One lookup takes 2 s; a failover that is asked for takes a fraction of a second.
  budget: { stallMs: 1_500, gapMs: 2_000 },
  variants: {
    wounded: {
      about: 'names in cluster-announce-ip; a replica dies while the name server is silent',
      cluster: { hostnames: 'as-address' },
      // Clients wait as long as nodes stand still.
      budget: { gapMs: 10_000 },
      expect: { 'stalls-bounded': 'violated' },
    },
    clients: {
      about: 'names for clients; slots change hands while the name server is silent',
      cluster: { hostnames: 'announced' },
      invariants: orderly,
      expect: { 'gap-bounded': 'violated' },
      unsuited: noNames,
    },
    cured: { about: 'addresses; a replica dies while the name server is silent' },
    'clients-cured': {
      about: 'names are announced and clients are told addresses; slots change hands while the name server is silent',
      cluster: { hostnames: 'announced', config: { 'cluster-preferred-endpoint-type': 'ip' } },
      invariants: orderly,
      unsuited: noNames,
    },
  },
  async disturb({ cluster, inject, need, until, sleep, variant }) {
    await using _silence = await inject(dnsFailure('all nodes', { places: 'client-1,client-2' }));
    if (variant.startsWith('clients')) {
      await using _handed = await inject(failover('a replica of node-1'));
      await until('the replica serves the slots', (timeline) => replaced(timeline, 'node-1'), '10s');
      await sleep('4s');
      return;
    }
    await using killed = await inject(kill('one replica'));
    const [victim = ''] = killed.nodes;
    await need('it is marked fail', markedFail(nodeNamed(cluster, victim).id), '20s');
  },
});
