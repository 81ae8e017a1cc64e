import type { Excuse } from '../consistency.ts';
import type { Names, Row, Verb } from '../timeline/history.ts';

/** How many lost writes are kept one by one. */
const lostWritesKept = 10_000;
/** Losses of one node that lie further apart, with writes between them that were not lost, belong to different windows. */
const windowGapMs = 1000;

/** An acknowledged write that is not there any more. */
export interface LostWrite {
  readonly id: number;
  readonly key: string;
  readonly slot: number;
  readonly verb: Verb;
  /** The node that acknowledged it. */
  readonly node: string | null;
  readonly client: number;
  readonly sentAtMs: number;
  readonly acknowledgedAtMs: number;
  /** What was there instead. */
  readonly found: string;
  /** Outside of every window in which the engine documents that it may be lost. */
  readonly outside: boolean;
}

/** From the first acknowledgement that turned out to be void to the last one. */
export interface LossWindow {
  readonly node: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly lost: number;
  readonly acknowledged: number;
}

export interface LossCounts {
  readonly acknowledged: number;
  readonly lost: number;
  readonly outside: number;
}

/** What was acknowledged and lost: `lost` is the recovery point in writes, `longestWindowMs` the one in time. */
export interface Losses extends LossCounts {
  readonly nodes: readonly (LossCounts & { readonly node: string | null })[];
  /** Slots in which anything was acknowledged. */
  readonly slots: readonly (LossCounts & { readonly slot: number })[];
  /** The ones outside come first, each part in the order of acknowledgement; `leftOut` more were lost. */
  readonly writes: readonly LostWrite[];
  readonly leftOut: number;
  readonly windows: readonly LossWindow[];
  readonly longestWindowMs: number;
}

interface Counts {
  acknowledged: number;
  lost: number;
  outside: number;
}

interface NodeCounts extends Counts {
  readonly windows: { fromMs: number; toMs: number; lost: number; acknowledged: number }[];
  /** Acknowledged since the last window's end. */
  since: number;
}

/** Counts while the history streams by; each acknowledged write is told once, in the order of acknowledgement. */
export interface LossLedger {
  acknowledged(row: Row, names: Names): void;
  lost(row: Row, names: Names, found: string): void;
  finish(names: Names): Losses;
}

export function lossLedger(excuse: Excuse): LossLedger {
  const nodes = new Map<number, NodeCounts>();
  const slots = new Map<number, Counts>();
  const outside: LostWrite[] = [];
  const inside: LostWrite[] = [];
  const nodeOf = (node: number): NodeCounts => {
    let counts = nodes.get(node);
    if (!counts) nodes.set(node, (counts = { acknowledged: 0, lost: 0, outside: 0, windows: [], since: 0 }));
    return counts;
  };
  const slotOf = (slot: number): Counts => {
    let counts = slots.get(slot);
    if (!counts) slots.set(slot, (counts = { acknowledged: 0, lost: 0, outside: 0 }));
    return counts;
  };
  return {
    acknowledged(row, names) {
      const node = nodeOf(row.node);
      node.acknowledged++;
      node.since++;
      slotOf(names.slot(row.key)).acknowledged++;
    },
    lost(row, names, found) {
      const node = nodeOf(row.node);
      const slot = slotOf(names.slot(row.key));
      const name = names.node(row.node);
      const isOutside = !excuse(name, row.doneAtMs, 'acknowledged');
      node.acknowledged++;
      node.lost++;
      slot.acknowledged++;
      slot.lost++;
      if (isOutside) {
        node.outside++;
        slot.outside++;
      }
      const window = node.windows.at(-1);
      if (window && (node.since === 0 || row.doneAtMs - window.toMs <= windowGapMs)) {
        window.toMs = row.doneAtMs;
        window.lost++;
        window.acknowledged += node.since + 1;
      } else node.windows.push({ fromMs: row.doneAtMs, toMs: row.doneAtMs, lost: 1, acknowledged: 1 });
      node.since = 0;
      const kept = isOutside ? outside : inside;
      if (kept.length < lostWritesKept)
        kept.push({
          id: row.id,
          key: names.key(row.key),
          slot: names.slot(row.key),
          verb: row.verb,
          node: name,
          client: row.client,
          sentAtMs: row.sentAtMs,
          acknowledgedAtMs: row.doneAtMs,
          found,
          outside: isOutside,
        });
    },
    finish: (names) =>
      lossesOf(
        [...nodes].map(([node, counts]) => ({
          node: names.node(node),
          acknowledged: counts.acknowledged,
          lost: counts.lost,
          outside: counts.outside,
        })),
        [...slots].map(([slot, counts]) => ({ slot, ...counts })),
        [...outside, ...inside],
        [...nodes].flatMap(([node, { windows }]) => windows.map((window) => ({ node: names.node(node), ...window }))),
      ),
  };
}

/**
 * What was lost of several kinds, or of several keys. Windows of one node that lie no further apart than `windowGapMs`
 * become one, whose acknowledgements are those within its parts.
 */
export function mergeLosses(parts: readonly Losses[]): Losses {
  const windows: LossWindow[] = [];
  const inTime = parts.flatMap((part) => part.windows).toSorted((a, b) => a.fromMs - b.fromMs);
  for (const window of inTime) {
    const index = windows.findLastIndex(({ node }) => node === window.node);
    const before = windows[index];
    if (before && window.fromMs - before.toMs <= windowGapMs)
      windows[index] = {
        ...before,
        toMs: Math.max(before.toMs, window.toMs),
        lost: before.lost + window.lost,
        acknowledged: before.acknowledged + window.acknowledged,
      };
    else windows.push(window);
  }
  return lossesOf(
    [...summed(parts.flatMap(({ nodes }) => nodes.map((counts) => [counts.node, counts] as const)))].map(([node, counts]) => ({
      node,
      ...counts,
    })),
    [...summed(parts.flatMap(({ slots }) => slots.map((counts) => [counts.slot, counts] as const)))].map(([slot, counts]) => ({
      slot,
      ...counts,
    })),
    parts
      .flatMap(({ writes }) => writes)
      .toSorted((a, b) => Number(b.outside) - Number(a.outside) || a.acknowledgedAtMs - b.acknowledgedAtMs),
    windows,
  );
}

function summed<Name>(entries: readonly (readonly [Name, LossCounts])[]): Map<Name, Counts> {
  const sums = new Map<Name, Counts>();
  for (const [name, { acknowledged, lost, outside }] of entries) {
    const sum = sums.get(name) ?? { acknowledged: 0, lost: 0, outside: 0 };
    sum.acknowledged += acknowledged;
    sum.lost += lost;
    sum.outside += outside;
    sums.set(name, sum);
  }
  return sums;
}

function lossesOf(nodes: Losses['nodes'], slots: Losses['slots'], found: readonly LostWrite[], windows: readonly LossWindow[]): Losses {
  const total = (of: (counts: LossCounts) => number): number => nodes.reduce((sum, counts) => sum + of(counts), 0);
  const lost = total((counts) => counts.lost);
  const writes = found.slice(0, lostWritesKept);
  return {
    acknowledged: total((counts) => counts.acknowledged),
    lost,
    outside: total((counts) => counts.outside),
    nodes: nodes.toSorted((a, b) => (a.node ?? '').localeCompare(b.node ?? '', 'en', { numeric: true })),
    slots: slots.toSorted((a, b) => a.slot - b.slot),
    writes,
    leftOut: lost - writes.length,
    windows: windows.toSorted((a, b) => a.fromMs - b.fromMs),
    longestWindowMs: windows.reduce((longest, { fromMs, toMs }) => Math.max(longest, toMs - fromMs), 0),
  };
}
