import type { RunInfo } from '../timeline.ts';
import { claimsOfSlots, isPrimary, nameOf, ownLine } from './claims.ts';
import type { ClusterInfo, NodeView, ReplicationInfo, TopologyView } from './observation.ts';
import type { Timeline } from './timeline.ts';

/** All that is asked of a run here: who belongs to it. */
export type Members = Pick<RunInfo, 'nodes'>;

/** Whom a map is of. */
interface Ids {
  readonly nodes: readonly { readonly id: string }[];
}

export interface Latest {
  readonly clusterInfo: ReadonlyMap<string, ClusterInfo>;
  readonly topology: ReadonlyMap<string, TopologyView>;
  readonly replication: ReadonlyMap<string, ReplicationInfo>;
}

const badFlags = ['fail?', 'fail', 'handshake', 'noaddr'];

/** What keeps the newest answers of all nodes from describing one healthy cluster; empty when nothing does. */
export function lacking(run: Members, { clusterInfo, topology, replication }: Latest): string[] {
  const reasons: string[] = [];
  for (const { name } of run.nodes) {
    const info = clusterInfo.get(name);
    const view = topology.get(name);
    const sync = replication.get(name);
    if (!info || !view || !sync) {
      reasons.push(`${name} does not answer`);
      continue;
    }
    if (info.state !== 'ok') reasons.push(`${name} says cluster_state:${info.state}`);
    reasons.push(...viewDefects(run, name, view));
    const own = ownLine(view);
    if (own && !isPrimary(own) && (sync.role !== 'replica' || sync.link !== 'up' || sync.syncInProgress))
      reasons.push(`${name} is not in step with its primary (link ${sync.link ?? 'none'})`);
  }
  const owners = run.nodes.flatMap(({ name }) => ownLine(topology.get(name) ?? []) ?? []).filter(isPrimary);
  const claims = claimsOfSlots(topology.values());
  const [none, many] = [claims.filter((count) => count === 0).length, claims.filter((count) => count > 1).length];
  if (none + many > 0) reasons.push(`${none} slots are claimed by no primary, ${many} by more than one`);
  reasons.push(...disagreements(run, topology));
  const alone = owners.filter((owner) => ![...topology.values()].some((view) => ownLine(view)?.primary === owner.id));
  // Some may have been formed without a replica; which ones these are changes with every failover.
  if (alone.length > formedAlone(run)) for (const { id } of alone) reasons.push(`no node replicates ${nameOf(run, id)}`);
  return reasons;
}

/** How many primaries had no replica when the cluster was formed; where that is not told, by how many there were more of them. */
function formedAlone({ nodes }: Members): number {
  const primaries = nodes.filter(({ role }) => role === 'primary');
  const replicas = nodes.filter(({ role }) => role === 'replica');
  if (replicas.some(({ primary }) => primary === undefined)) return replicas.length < primaries.length ? primaries.length : 0;
  return primaries.filter(({ name }) => !replicas.some(({ primary }) => primary === name)).length;
}

/** Whether what all nodes said last describes one healthy cluster; one that did not answer last has said nothing. */
export const isHealthy = (timeline: Timeline): boolean =>
  lacking(timeline.run, {
    clusterInfo: timeline.latest('cluster-info'),
    topology: timeline.latest('topology'),
    replication: timeline.latest('replication'),
  }).length === 0;

/**
 * How long after the last heal the cluster became healthy for good, by what was answered until the run called it settled; null
 * where it never did. Looked for from the heal on, whatever the experiment did before the run began to wait for it.
 */
export function recoveredAfterMs(timeline: Timeline): number | null {
  const settled = timeline.of('settled').at(-1);
  if (!settled) return null;
  const healedAtMs = timeline.of('fault-healed').findLast(({ seq }) => seq < settled.seq)?.atMs;
  if (healedAtMs === undefined) return settled.afterMs;
  const answers = { 'cluster-info': new Map(), topology: new Map(), replication: new Map() } as const;
  const { run } = timeline;
  const healthy = (): boolean =>
    lacking(run, { clusterInfo: answers['cluster-info'], topology: answers.topology, replication: answers.replication }).length === 0;
  let sinceMs: number | null = null;
  let reached = false;
  for (const event of timeline.events) {
    if (event.seq > settled.seq) break;
    if (!reached && event.atMs >= healedAtMs) {
      reached = true;
      sinceMs = healthy() ? healedAtMs : null;
    }
    if ((event.type !== 'observed' && event.type !== 'probe-failed') || !(event.probe in answers)) continue;
    const of = answers[event.probe as keyof typeof answers] as Map<string, unknown>;
    if (event.type === 'observed') of.set(event.node, event.value);
    // As in settling: who has answered since the heal and misses a beat is no relapse.
    else if (!reached) of.delete(event.node);
    if (reached) sinceMs = healthy() ? (sinceMs ?? event.atMs) : null;
  }
  return Math.min(settled.afterMs, sinceMs === null ? Number.POSITIVE_INFINITY : sinceMs - healedAtMs);
}

/** What is wrong in one node's view, apart from what the others say. */
export function viewDefects(run: Members, node: string, view: TopologyView): string[] {
  const defects: string[] = [];
  const known = new Set(view.map(({ id }) => id));
  for (const { id, name } of run.nodes) if (!known.has(id)) defects.push(`${node} does not know ${name}`);
  for (const peer of view) {
    const name = nameOf(run, peer.id);
    if (!run.nodes.some(({ id }) => id === peer.id)) defects.push(`${node} knows a stranger ${name}`);
    const flag = peer.flags.find((candidate) => badFlags.includes(candidate));
    if (flag) defects.push(`${node} flags ${name} as ${flag}`);
    if (!peer.linked && !peer.flags.includes('myself')) defects.push(`${node} has no bus link to ${name}`);
  }
  return defects;
}

/**
 * Owner of the slots and primary of the replicas, as one string that must be the same everywhere. A stranger without slots is
 * named by whoever lists it, and says nothing of them.
 */
const mapOf = (run: Ids, view: TopologyView): string =>
  view
    .filter(({ id, slots }) => slots.length > 0 || run.nodes.some((node) => node.id === id))
    .map(
      (node: NodeView) =>
        `${node.id} ${isPrimary(node) ? node.slots.map((range) => range.join('-')).join(',') : `replicates ${node.primary}`}`,
    )
    .sort()
    .join('\n');

/**
 * The view that most of those share who told one, in the order of the nodes where two are as many; undefined where nobody did. A node that
 * was parted or frozen goes on telling what it knew.
 */
export function viewOfMost(
  run: Ids,
  views: ReadonlyMap<string, TopologyView>,
): { readonly node: string; readonly view: TopologyView } | undefined {
  const alike = Map.groupBy([...views], ([, view]) => mapOf(run, view));
  const [most] = [...alike.values()].toSorted((a, b) => b.length - a.length);
  return most?.[0] && { node: most[0][0], view: most[0][1] };
}

/** Nodes whose map differs from that of the first one that answered, and peers that are listed at more than one address. */
export function disagreements(run: Members, topology: ReadonlyMap<string, TopologyView>): string[] {
  const views = run.nodes.flatMap(({ name }) =>
    topology.has(name) ? [{ name, map: mapOf(run, topology.get(name) as TopologyView) }] : [],
  );
  const [first, ...others] = views;
  const maps = others
    .filter(({ map }) => map !== first?.map)
    .map(({ name }) => `${name} and ${first?.name} describe different roles or slots`);
  const addresses = run.nodes
    .map(({ id, name }) => ({ name, listed: listedAddresses(topology.values(), id) }))
    .filter(({ listed }) => listed.length > 1);
  return [...maps, ...addresses.map(({ name, listed }) => `${name} is listed at ${listed.join(' and at ')}`)];
}

/** Where the others list a node. Its own line does not count: a node may not know its own address. */
export const listedAddresses = (views: Iterable<TopologyView>, id: string): string[] => [
  ...new Set(
    [...views].flatMap((view) => view.filter((peer) => peer.id === id && !peer.flags.includes('myself')).map(({ address }) => address)),
  ),
];
