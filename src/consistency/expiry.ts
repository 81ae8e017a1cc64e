import type { Check, Excuse, Tally } from '../consistency.ts';
import { type Names, nothing, type Row } from '../timeline/history.ts';
import type { LostWrite } from './losses.ts';
import { tally } from './tally.ts';
import type { WriteIndex } from './writes.ts';

/** A read that returned what was over, or did not return what was not. */
export interface ExpiryAnomaly {
  /** The write that it is about. */
  readonly id: number;
  readonly key: string;
  readonly slot: number;
  /** The node that was read. */
  readonly node: string | null;
  readonly replica: boolean;
  readonly sentAtMs: number;
  readonly doneAtMs: number;
  /** What was returned: nothing, or an id. */
  readonly found: number;
  /** The write's time was over at this moment: at the latest for one seen after it, at the earliest for one missing before it. */
  readonly overAtMs: number;
}

/** Values that live for a time. */
export interface Expiry {
  readonly keys: number;
  readonly acknowledged: number;
  /** Returned by a read that began after its time was over. */
  readonly late: Tally<ExpiryAnomaly>;
  /** Not returned by a primary, though acknowledged, not replaced, and its time not over: lost, or the primary is an old one. */
  readonly early: Tally<ExpiryAnomaly>;
  /** The same at rest, when no old primary is left: lost, the last write of a key at most. */
  readonly lost: Tally<LostWrite>;
  /** Keys whose last acknowledged write was over in the end, so that nothing can be told about it. */
  readonly over: number;
  /** Reads that returned nothing or something old, and final answers, of which nothing can be told. */
  readonly undecided: number;
  readonly unreadableKeys: { readonly total: number; readonly examples: readonly string[] };
}

/**
 * How far clocks and answers may be apart before an expiry counts as wrong. The engine compares with the clock at the
 * start of a command, and a key whose time is over is not returned whether or not it has been deleted: a primary deletes it
 * first, and a replica, which waits for its primary's DEL, answers as if it were not there (db.c expireIfNeeded, expire.c
 * activeExpireCycle). So lazy expiry explains nothing; the allowance is for clocks of nodes between which a key moves.
 */
const expiryAllowanceMs = 1000;

const remembered = 16;
const pendingKept = 64;

/** A write that is remembered; its times are in the index. */
interface Write {
  readonly id: number;
  readonly ttlMs: number;
  readonly node: number;
  readonly client: number;
}

/** A read that returned nothing too early, unless a write that is not done yet explains it. */
interface Suspect {
  readonly write: Write;
  readonly doneAtMs: number;
  readonly confirm: () => void;
}

interface Life {
  /** The last writes that may have happened, in the order in which they were done. */
  readonly recent: Write[];
  /** Whether any is forgotten. */
  forgotten: boolean;
  shortestUnknownMs: number;
  suspects: Suspect[];
}

/**
 * Values that were seen after their time, or missing before it. A value is missed only where no other write can have
 * replaced it and be over by then: one of unknown outcome may have come at any time after it was sent. Late values are
 * excused by the node that was read, missing ones also by the node that acknowledged them.
 */
export function expiryCheck(writes: WriteIndex, excuse: Excuse): Check<Expiry> {
  const { atRest } = writes;
  const lives = new Map<number, Life>();
  const late = tally<ExpiryAnomaly>();
  const early = tally<ExpiryAnomaly>();
  const lost = tally<LostWrite>();
  let [acknowledged, over, undecided] = [0, 0, 0];

  const precedes = (earlier: Write, later: Write): boolean => writes.precedes(earlier.id, later.id);
  const isOk = ({ id }: Write): boolean => writes.outcome(id) === 'ok';
  /** The earliest moment at which a write, made before or after another one, leaves nothing. */
  const nothingFromMs = (other: Write, write: Write): number =>
    Math.max(writes.sentAtMs(other.id), writes.sentAtMs(write.id)) + other.ttlMs - expiryAllowanceMs;

  const lifeOf = (key: number): Life => {
    let life = lives.get(key);
    if (!life) lives.set(key, (life = { recent: [], forgotten: false, shortestUnknownMs: Number.POSITIVE_INFINITY, suspects: [] }));
    return life;
  };

  const seeWrite = (row: Row): void => {
    const life = lifeOf(row.key);
    if (row.outcome === 'failed') return;
    if (row.outcome === 'ok') acknowledged++;
    const write: Write = { id: row.id, ttlMs: row.count > 0 ? row.valueAt(0) : 0, node: row.node, client: row.client };
    if (row.outcome === 'unknown') life.shortestUnknownMs = Math.min(life.shortestUnknownMs, write.ttlMs);
    life.recent.push(write);
    if (life.recent.length > remembered) {
      life.recent.shift();
      life.forgotten = true;
    }
    if (life.suspects.length === 0) return;
    life.suspects = life.suspects.filter((suspect) => {
      const explains =
        row.sentAtMs < suspect.doneAtMs && !precedes(write, suspect.write) && nothingFromMs(write, suspect.write) <= suspect.doneAtMs;
      if (explains) undecided++;
      return !explains;
    });
  };

  const anomaly = (row: Row, names: Names, id: number, overAtMs: number): ExpiryAnomaly => ({
    id,
    key: names.key(row.key),
    slot: names.slot(row.key),
    node: names.node(row.node),
    replica: row.replica,
    sentAtMs: row.sentAtMs,
    doneAtMs: row.doneAtMs,
    found: row.value,
    overAtMs,
  });

  const seeLate = (row: Row, names: Names, life: Life): void => {
    const write = life.recent.find(({ id }) => id === row.value);
    if (!write || !isOk(write)) return;
    const overAtMs = writes.doneAtMs(write.id) + write.ttlMs;
    if (row.sentAtMs > overAtMs + expiryAllowanceMs)
      late.add(!excuse(names.node(row.node), row.sentAtMs, 'read'), () => anomaly(row, names, write.id, overAtMs));
  };

  /** The acknowledged write before a read that was sent last. */
  const lastBefore = (life: Life, atMs: number): Write | undefined => {
    let last: Write | undefined;
    for (const write of life.recent)
      if (isOk(write) && writes.doneAtMs(write.id) < atMs && (!last || writes.sentAtMs(write.id) > writes.sentAtMs(last.id))) last = write;
    return last;
  };

  /** Whether a write must be there when a read is done, whatever the others did that are known by now. */
  const mustBeThere = (write: Write, life: Life, atMs: number): boolean => {
    if (writes.sentAtMs(write.id) + life.shortestUnknownMs - expiryAllowanceMs <= atMs) return false;
    const oldest = life.recent[0] as Write;
    if (life.forgotten && writes.doneAtMs(oldest.id) >= writes.sentAtMs(write.id)) return false;
    return life.recent.every((other) => precedes(other, write) || writes.sentAtMs(other.id) >= atMs || nothingFromMs(other, write) > atMs);
  };

  const isOver = (write: Write, atMs: number): boolean => nothingFromMs(write, write) <= atMs;

  const seeMissing = (row: Row, names: Names, life: Life): void => {
    const write = lastBefore(life, row.sentAtMs);
    if (!write) return;
    if (isOver(write, row.doneAtMs)) {
      if (row.final) over++;
      return;
    }
    if (row.value !== nothing) {
      // Something certainly older is wrong whatever became of the newer one.
      if (writes.precedes(row.value, write.id)) confirmation(row, names, write)();
      return;
    }
    if (!mustBeThere(write, life, row.doneAtMs)) undecided++;
    else if (row.final) confirmation(row, names, write)();
    else if (settle(life, row.doneAtMs) >= pendingKept) undecided++;
    else life.suspects.push({ write, doneAtMs: row.doneAtMs, confirm: confirmation(row, names, write) });
  };

  const confirmation = (row: Row, names: Names, write: Write): (() => void) => {
    const acknowledgedAtMs = writes.doneAtMs(write.id);
    const node = names.node(write.node);
    const wasLost = !excuse(node, acknowledgedAtMs, 'acknowledged');
    const found = anomaly(row, names, write.id, writes.sentAtMs(write.id) + write.ttlMs);
    if (!row.final) return () => early.add(wasLost && !excuse(found.node, found.sentAtMs, 'read'), () => found);
    return () =>
      lost.add(wasLost, () => ({
        id: write.id,
        key: found.key,
        slot: found.slot,
        verb: 'set-expiring',
        node,
        client: write.client,
        sentAtMs: writes.sentAtMs(write.id),
        acknowledgedAtMs,
        found: found.found === nothing ? 'nothing' : `${found.found}`,
        outside: wasLost,
      }));
  };

  /** Confirms the suspects that nothing still to come can explain, and tells how many are left. */
  const settle = (life: Life, atMs: number): number => {
    life.suspects = life.suspects.filter((suspect) => {
      const isSettled = atMs > suspect.doneAtMs + writes.longestMs;
      if (isSettled) suspect.confirm();
      return !isSettled;
    });
    return life.suspects.length;
  };

  return {
    see(row, names) {
      if (row.verb === 'set-expiring') seeWrite(row);
      if (row.verb !== 'get-expiring' || row.outcome !== 'ok') return;
      const life = lives.get(row.key);
      if (!life) return;
      if (row.value >= 0) seeLate(row, names, life);
      if (row.replica) return;
      if (row.final && atRest.others(row.key)) {
        if (row.node === atRest.primary(row.key)) undecided++;
      } else if (!row.final || row.node === atRest.primary(row.key)) seeMissing(row, names, life);
    },
    finish(names) {
      const unreadable: string[] = [];
      for (const [key, life] of lives) {
        settle(life, Number.POSITIVE_INFINITY);
        if (!atRest.answered(key)) unreadable.push(names.key(key));
      }
      return {
        keys: lives.size,
        acknowledged,
        late: late.result(),
        early: early.result(),
        lost: lost.result(),
        over,
        undecided,
        unreadableKeys: { total: unreadable.length, examples: unreadable.slice(0, 100) },
      };
    },
  };
}
