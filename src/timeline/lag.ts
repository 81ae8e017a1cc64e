import type { Fold, Seen, Timeline } from './timeline.ts';

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

/** How far a replica has got with a primary. */
interface Place {
  /** Which of the primary's answers it has reached, counted from 0. */
  reached: number;
  /** Its offset when it was linked last. */
  had: number | null;
  metAtMs: number;
}

interface Progress {
  /** What each node answered while it was a primary. */
  readonly primaries: Map<string, Seen<'replication'>[]>;
  readonly places: Map<string, Place>;
  readonly lags: Map<string, Lag[]>;
}

const progress: Fold<'replication', Progress> = {
  probe: 'replication',
  start: () => ({ primaries: new Map(), places: new Map(), lags: new Map() }),
  step: ({ primaries, places, lags: found }, seen, timeline) => {
    const { node, value, atMs, seq } = seen;
    if (value.role === 'primary') {
      push(primaries, node, seen);
      return;
    }
    if (atMs < (timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY)) return;
    const primary = timeline.run.nodes.find(({ address }) => address === value.primaryAddress)?.name;
    if (primary === undefined) return;
    const pair = `${node} ${primary}`;
    let place = places.get(pair);
    if (!place) places.set(pair, (place = { reached: -1, had: null, metAtMs: atMs }));
    const series = primaries.get(primary) ?? [];
    const ahead = series.at(-1);
    if (!ahead || atMs - ahead.atMs > freshMs) {
      place.metAtMs = atMs;
      return;
    }
    const linked = value.link === 'up' && !value.syncInProgress && value.replid === ahead.value.replid;
    if (linked) place.had = value.offset;
    const { had } = place;
    if (had !== null)
      while (place.reached < series.length - 1 && (series[place.reached + 1]?.value.offset ?? Number.POSITIVE_INFINITY) <= had)
        place.reached++;
    const behind = had === null ? 1 : Math.max(0, ahead.value.offset - had);
    const reachedAtMs = Math.max(place.metAtMs, series[place.reached]?.atMs ?? 0);
    push(found, node, {
      replica: node,
      primary,
      atMs,
      seq,
      linked,
      bytes: had === null ? 0 : behind,
      ms: behind === 0 ? 0 : atMs - reachedAtMs,
    });
  },
};

function push<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list) list.push(item);
  else lists.set(name, [item]);
}

/**
 * The lag of every replica at each of its answers from the steady phase on, by what its primary had answered before it. One
 * whose link is down, or that takes a full resync, still has what it had: its lag grows with what its primary writes
 * meanwhile. A primary of another history, as after a failover, is one that a replica has nothing of: only its time counts,
 * from when it was first seen with it. Those of one replica cost nothing to look at.
 */
export function lags(timeline: Timeline): Lag[];
export function lags(timeline: Timeline, replica: string): readonly Lag[];
export function lags(timeline: Timeline, replica?: string): readonly Lag[] {
  const { lags: found } = timeline.folded(progress);
  if (replica !== undefined) return found.get(replica) ?? [];
  return timeline.run.nodes.flatMap(({ name }) => found.get(name) ?? []);
}
