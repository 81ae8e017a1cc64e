/*
 * Every node pings every other at least once in half a node timeout (cluster.c clusterCron), so a node sends about
 * 2 x (1 + 2 x peers / node timeout in s) messages a second: a cluster of many nodes with a short timeout spends itself on
 * gossip. PUBLISH costs more still: each message goes to every node (clusterPropagatePublish), whoever listens, and
 * waits in memory for one that stands still: 30 MB in the link to it, where cluster-link-sendbuf-limit is 0 as it comes.
 *
 * Scaled: six nodes stand for 500, so that an alert at 1,000 messages a second becomes one at 12: both are reached with a
 * node timeout of 2 s. Timeouts are as they are, and so are both the alert and the rate where messages are published.
 *
 * One document says that the bus piles up what it knows of failed nodes, and that only CLUSTER RESET frees it. It does
 * not: what grows is counters. What the run shows is that the rate depends on the timeout and on nothing else, whether a
 * node fails or one is added, and that the memory of the links stays at about 1 KB each.
 */
import { engine } from '../src/driver.ts';
import addNode from '../src/fault/add-node.ts';
import kill from '../src/fault/kill.ts';
import pause from '../src/fault/pause.ts';
import { bitten, defineExperiment, InconclusiveError, markedFail } from '../src/index.ts';
import type { EngineInfo } from '../src/timeline.ts';

/**
 * 30 MB at no more than 15 MB a second: the limit is looked at ten times a second (clusterCron, cluster.c
 * clusterNodeCronFreeLinkOnBufferLimitReached), and what comes in between is on top, 5 to 9 MB as fast as it goes.
 */
const publishMuch = (node: string) =>
  engine(node, `$CLI -r 500 -i 0.004 PUBLISH news "$(head -c 60000 /dev/zero | tr '\\0' x)" >/dev/null`);
/** 3,500 messages, at 600 a second where the machine is idle, and never more. Prints how many were taken. */
const publish = (node: string, command: string) =>
  engine(node, `$CLI -c -r 3500 -i 0.0015 ${command} news 'nothing new' | grep -c '^[0-9]'`);

const untold = ({ kind, version }: EngineInfo): string | undefined =>
  kind === 'redis' && version.startsWith('6.') ? 'it does not tell the memory of its links, and has no limit for it' : undefined;

export default defineExperiment({
  name: 'gossip-message-rate',
  hypothesis: 'The bus of a cluster stays below 1,000 messages a second and node, whatever comes and goes.',
  failure: {
    level: 'hard',
    symptom: 'network and CPU of a large cluster are busy while hardly any command arrives',
    cause:
      'Each node pings all others within half the node timeout (cluster.c clusterCron), and each PUBLISH is sent to all of them (clusterPropagatePublish).',
    setting: 'cluster-node-timeout and the number of nodes; PUBLISH in place of SPUBLISH; for memory cluster-link-sendbuf-limit',
    remedy:
      'The default node timeout of 15 s or more where nodes are many, sharded channels (SPUBLISH, SSUBSCRIBE), and a cluster-link-sendbuf-limit.',
    engines: 'Sharded channels and cluster-link-sendbuf-limit exist from 7.0 on.',
    audit: { scale: { 'cluster-node-timeout': 1 }, lines: ['cluster-node-timeout 15000'] },
  },
  cluster: { spares: 1 },
  budget: { messagesPerSecond: 12 },
  variants: {
    wounded: {
      about: 'a node timeout of 1 s',
      config: { 'cluster-node-timeout': 1_000 },
      expect: { 'gossip-rate-bounded': 'violated' },
    },
    cured: { about: 'a node timeout of 6 s', config: { 'cluster-node-timeout': 6_000 } },
    memory: {
      about: 'a node timeout of 6 s: the links hold little, whoever comes and goes',
      config: { 'cluster-node-timeout': 6_000 },
      budget: { busBytes: 100_000 },
      unsuited: untold,
    },
    publish: {
      about: 'some 500 PUBLISH a second at one of six nodes, a node timeout of 6 s',
      config: { 'cluster-node-timeout': 6_000 },
      budget: { messagesPerSecond: 1_000 },
      expect: { 'gossip-rate-bounded': 'violated' },
    },
    sharded: {
      about: 'some 500 SPUBLISH a second, which go to the replica of the slot alone',
      config: { 'cluster-node-timeout': 6_000 },
      budget: { messagesPerSecond: 1_000 },
      unsuited: ({ kind, version }) => (kind === 'redis' && version.startsWith('6.') ? 'it has no sharded channels' : undefined),
    },
    unread: {
      about: '30 MB of PUBLISH while one replica stands still: they wait in the link to it',
      config: { 'cluster-node-timeout': 15_000 },
      budget: { messagesPerSecond: 1_000, busBytes: 4_000_000 },
      unsuited: untold,
      expect: { 'bus-memory-bounded': 'violated' },
    },
    'unread-limited': {
      about: 'the same with a cluster-link-sendbuf-limit of 1 MB: the link is closed',
      config: { 'cluster-node-timeout': 15_000, 'cluster-link-sendbuf-limit': '1mb' },
      budget: { messagesPerSecond: 1_000, busBytes: 4_000_000 },
      unsuited: untold,
    },
  },
  async disturb({ inject, perform, need, sleep, cluster, variant }) {
    const name = cluster.nodes[0]?.name ?? '';
    if (variant.startsWith('unread')) {
      await using _paused = await inject(pause('one replica'));
      await perform(publishMuch(name));
      await sleep('3s');
    } else if (variant === 'publish' || variant === 'sharded') {
      const { output } = await perform(publish(name, variant === 'publish' ? 'PUBLISH' : 'SPUBLISH'));
      if (Number(output) < 3_000) throw new InconclusiveError(`${name} took ${output} of 3,500 messages`);
    } else {
      {
        await using killed = await inject(kill('one replica'));
        const id = cluster.nodes.find((node) => node.name === killed.nodes[0])?.id ?? '';
        await need('it is marked failed', markedFail(id), `${Math.max(15_000, 2.5 * Number(cluster.settings['cluster-node-timeout']))}ms`);
      }
      await using added = await inject(addNode('one primary'));
      await need('everybody has heard of the new one', (timeline) => bitten(timeline, added), '30s');
      await sleep('3s');
    }
  },
});
