import type { Seen, Timeline } from './timeline.ts';

/** How far a replica was behind its primary at a moment. */
export interface Lag {
  readonly replica: string;
  readonly primary: string;
  readonly atMs: number;
  /** Of the answer of the replica that shows it. */
  readonly seq: number;
  readonly bytes: number;
  /** Its link is up, and it takes no full resync of this history. */
  readonly linked: boolean;
  /** Since when the primary has been ahead of all that the replica has, counted back from this moment. */
  readonly ms: number;
}

/** So old may the newest answer of a primary be; of one that is silent for longer nobody knows how far it is. */
const freshMs = 1_500;

/**
 * The lag of every replica at each of its answers from the steady phase on. One whose link is down, or that takes a full
 * resync, still has what it had: its lag grows with what its primary writes meanwhile. A primary of another history, as
 * after a failover, is one that a replica has nothing of: only its time counts, from when it was first seen with it.
 */
export function lags(timeline: Timeline): Lag[] {
  const fromMs = timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY;
  return timeline.run.nodes.flatMap(({ name }) => lagsOf(timeline, name, fromMs));
}

function lagsOf(timeline: Timeline, replica: string, fromMs: number): Lag[] {
  const found: Lag[] = [];
  /** Position in the answers of each primary: of the newest before this moment, and of the newest that the replica has reached. */
  const places = new Map<string, { series: Seen<'replication'>[]; now: number; reached: number; had: number | null; metAtMs: number }>();
  for (const { value, atMs, seq } of timeline.seen('replication', { node: replica, fromMs })) {
    const primary = timeline.run.nodes.find(({ address }) => address === value.primaryAddress)?.name;
    if (value.role !== 'replica' || primary === undefined) continue;
    let place = places.get(primary);
    if (!place) {
      const series = timeline.seen('replication', { node: primary }).filter((seen) => seen.value.role === 'primary');
      place = { series, now: -1, reached: -1, had: null, metAtMs: atMs };
      places.set(primary, place);
    }
    const { series } = place;
    while ((series[place.now + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) place.now++;
    const ahead = series[place.now];
    if (!ahead || atMs - ahead.atMs > freshMs) {
      place.metAtMs = atMs;
      continue;
    }
    const linked = value.link === 'up' && !value.syncInProgress && value.replid === ahead.value.replid;
    if (linked) place.had = value.offset;
    const had = place.had;
    if (had !== null)
      while (place.reached < place.now && (series[place.reached + 1]?.value.offset ?? Number.POSITIVE_INFINITY) <= had) place.reached++;
    const behind = had === null ? 1 : Math.max(0, ahead.value.offset - had);
    const reachedAtMs = Math.max(place.metAtMs, series[place.reached]?.atMs ?? 0);
    found.push({ replica, primary, atMs, seq, linked, bytes: had === null ? 0 : behind, ms: behind === 0 ? 0 : atMs - reachedAtMs });
  }
  return found;
}
