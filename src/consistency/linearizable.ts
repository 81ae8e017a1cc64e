import { type Check, type Excuse, examplesKept, type Tally } from '../consistency.ts';
import { foreign, type Names, nothing, type Outcome, type Row } from '../timeline/history.ts';
import { explained, overwritten, type Reason, type Step, type Violation } from './counterexample.ts';
import { tally } from './tally.ts';
import type { WriteIndex } from './writes.ts';

export interface Linearizability {
  /** Registers that were acknowledged or read at least once. */
  readonly keys: number;
  readonly linearizable: number;
  /** Reads that nothing explains. A key can have several: after each, the rest of the key is judged afresh. */
  readonly notLinearizable: Tally<Violation>;
  /** Keys that were not finished, and hold so far as they were looked at. */
  readonly unknown: { readonly keys: number; readonly named: readonly string[]; readonly because: string | null };
  /** Operations that count: acknowledged writes, and reads answered by primaries. */
  readonly operations: number;
}

/** All operations with one value: its write and the reads that returned it. */
interface Cluster {
  readonly value: number;
  readonly key: number;
  /** The earliest end of one of them, and the latest beginning. */
  readonly endMs: number;
  beginMs: number;
  /** The reads that ended first and began last; null where that is the write. */
  readonly first: Step | null;
  last: Step | null;
}

interface Register {
  /** In the order of `endMs`. */
  clusters: Cluster[];
  nothing: Cluster | null;
  foreign: Cluster | null;
  /** What was done up to here is forgotten: the moment of the last violation. */
  sinceMs: number;
  /** The first read of values that cannot be read any more without a contradiction; kept where the write does not show it. */
  gone: Map<number, Step | null> | null;
  pruneAt: number;
  violated: boolean;
  unfinished: boolean;
}

/** A violation whose writes may be still to come. */
interface Pending {
  readonly key: number;
  /** When the rows of all its writes have been seen, which tell who sent them. */
  readonly knownAtMs: number;
  readonly reason: Reason;
  readonly window: readonly Step[];
  readonly concerned: readonly number[];
}

/** One in so many rows is timed for the budget. */
const timedRows = 16;

/**
 * Linearizability of each register on its own, which is the same as of all together (Herlihy and Wing 1990, locality).
 *
 * Every write has a value of its own, so that it is known which write a read saw, and nothing need be searched for as
 * Wing and Gong's and Lowe's algorithms do: with known sources it is decided in the order of n log n (Gibbons and Korach
 * 1997, 'Testing shared memories'). Operations with one value stand together in any order that explains them. So the
 * cluster of value a goes before that of b where an operation of a ended before one of b began, that is, where
 * a.endMs < b.beginMs. There is an order exactly when no read ended before its write began and no two clusters go before
 * one another. Longer cycles need not be looked for: of the clusters in a cycle let a be the one with the smallest endMs
 * and z the one that goes before it; the one that goes before z ends no earlier than a, so a goes before z as well.
 *
 * A history is shown in the order in which operations were done, and a new cluster ends later than all others began. So a
 * contradiction appears only when a later read moves `beginMs` of a known cluster, and only with clusters whose `endMs` it
 * passes. What can never again decide anything is dropped: see `prune`. The answer is exact and needs no search, for a
 * hot key with many concurrent clients too.
 *
 * Failed writes did not happen; one of unknown outcome counts from its sending on when somebody read its value, and never
 * ends. A value whose write is not in the history (a run that was cut off leaves such) may have been written at any time.
 * Pairs count as one register; torn ones are left to the check of pairs. Reads answered by replicas are left out: nobody
 * promises that they are linearizable. Final reads from primaries count.
 *
 * A violation is excused when the engine promises nothing of the node that answered a read of it, the last or an earlier one
 * (a write that was never acknowledged may be seen there and be gone), or of one that acknowledged a write concerned. A value that
 * nobody wrote here (foreign, failed, early, elsewhere) is never excused.
 *
 * `withinMs` bounds the processor time spent in this check, whoever else is shown the same rows; some rows are timed.
 */
export function linearizabilityCheck(writes: WriteIndex, excuse: Excuse, { withinMs }: { withinMs: number }): Check<Linearizability> {
  const registers: (Register | undefined)[] = [];
  const live = new Map<number, Cluster>();
  // Which client sent each write, in the lower half, and to which node: 0 in the upper half is a write not seen, 1 no node.
  const senders = new Uint32Array(writes.ids);
  const pending: Pending[] = [];
  const violations = tally<Violation>();
  let operations = 0;
  let spentMs = 0;
  let nowMs = 0;

  const writeOf = (value: number): Step => {
    const outcome = writes.outcome(value) as Outcome;
    const doneAtMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : writes.doneAtMs(value);
    return { id: value, verb: 'set', value, client: null, node: null, sentAtMs: writes.sentAtMs(value), doneAtMs, outcome };
  };
  /**
   * The operations of a cluster that are still known. Its write is left out where it belongs to what is forgotten, or was
   * impossible, which has been said: it failed, or was sent after the value was read.
   */
  const stepsOf = ({ sinceMs }: Register, value: number, first: Step | null, last: Step | null): Step[] => {
    const outcome = writes.outcome(value);
    const possible = (outcome === 'ok' || outcome === 'unknown') && !(first !== null && first.doneAtMs < writes.sentAtMs(value));
    const counts = possible && (first === null || last === null || writes.doneAtMs(value) > sinceMs);
    return [...(counts ? [writeOf(value)] : []), ...new Set([first, last].filter((read) => read !== null))];
  };

  const senderOf = (id: number): number | null => (senders[id] ? (senders[id] as number) & 0xffff : null);
  const nodeOf = (id: number, names: Names): string | null => names.node(((senders[id] ?? 0) >>> 16) - 2);

  const settle = (names: Names, seenMs: number): void => {
    const first = pending.findIndex(({ knownAtMs }) => knownAtMs >= seenMs);
    for (const { key, reason, window: bare, concerned } of pending.splice(0, first < 0 ? pending.length : first)) {
      const window = bare.map((step) =>
        step.verb === 'set' ? { ...step, client: senderOf(step.id), node: nodeOf(step.id, names) } : step,
      );
      const read = window.at(-1) as Step;
      const atMs = read.doneAtMs;
      const lossy =
        reason === 'overwritten' &&
        (window.some(({ verb, node, doneAtMs }) => verb === 'get' && excuse(node, doneAtMs, 'read')) ||
          concerned.some((id) => writes.outcome(id) === 'ok' && excuse(nodeOf(id, names), writes.doneAtMs(id), 'acknowledged')));
      violations.add(!lossy, () => ({
        key: names.key(key),
        slot: names.slot(key),
        reason,
        atMs,
        node: read.node,
        window,
        explanation: explained(reason, window),
      }));
    }
  };

  /** The rest of the key is a history of its own that begins with this read. */
  const violation = (register: Register, key: number, read: Step, reason: Reason, window: readonly Step[], other = -1): void => {
    register.violated = true;
    const concerned = [read.value, other].filter((value) => writes.outcome(value) !== null);
    const knownAtMs = Math.max(read.doneAtMs, ...concerned.map((value) => writes.doneAtMs(value)));
    pending.push({ key, knownAtMs, reason, window, concerned });
    for (const { value } of register.clusters) live.delete(value);
    register.clusters = [];
    register.gone = null;
    register.pruneAt = prunedLength;
    register.sinceMs = read.doneAtMs;
    register.nothing = null;
    register.foreign = null;
    // Its value is taken as it is: whatever was wrong with it has been said. One of another key is counted there.
    if (reason !== 'elsewhere')
      enter(register, { value: read.value, key, endMs: read.doneAtMs, beginMs: read.sentAtMs, first: read, last: read });
  };

  const enter = (register: Register, cluster: Cluster): void => {
    if (cluster.value === nothing) register.nothing = { ...cluster, endMs: Number.NEGATIVE_INFINITY };
    else {
      register.clusters.push(cluster);
      if (cluster.value === foreign) register.foreign = cluster;
      else live.set(cluster.value, cluster);
      if (register.clusters.length > register.pruneAt) prune(register);
    }
  };

  /**
   * Everything to come was sent after `oldMs`. Among the clusters that ended before that, the one that began last
   * contradicts any further read of those that ended before it began, and whatever those contradict it does as well.
   * What is left besides it all lasted through one moment: as many as there are clients.
   */
  const prune = (register: Register): void => {
    const oldMs = nowMs - writes.longestMs;
    let last: Cluster | null = null;
    for (const cluster of register.clusters) {
      if (cluster.endMs >= oldMs) break;
      if (last === null || cluster.beginMs >= last.beginMs) last = cluster;
    }
    if (last !== null) {
      const { beginMs } = last;
      register.clusters = register.clusters.filter((cluster) => {
        const { value, endMs, first } = cluster;
        if (cluster === last || cluster === register.foreign || endMs >= beginMs || endMs >= oldMs) return true;
        live.delete(value);
        if (!overBy(register, value, Math.min(beginMs, oldMs))) (register.gone ??= new Map()).set(value, first);
        return false;
      });
    }
    register.pruneAt = 2 * register.clusters.length + prunedLength;
  };

  /** Whether the write itself shows that its value is gone: it was acknowledged, and not before what is forgotten. */
  const overBy = ({ sinceMs }: Register, value: number, atMs: number): boolean =>
    writes.outcome(value) === 'ok' && writes.doneAtMs(value) > sinceMs && writes.doneAtMs(value) < atMs;

  const overwrittenBy = (register: Register, read: Step, own: Cluster | null): Cluster | null => {
    let last: Cluster | null = null;
    for (const cluster of register.clusters) {
      if (cluster.endMs >= read.sentAtMs) break;
      if (cluster !== own && (last === null || cluster.beginMs >= last.beginMs)) last = cluster;
    }
    return last;
  };

  const write = (register: Register, { id, key, sentAtMs, doneAtMs }: Row): void => {
    // One that was read before it was acknowledged began no later than its cluster and ends no earlier.
    if (live.has(id) || register.gone?.has(id)) return;
    enter(register, { value: id, key, endMs: doneAtMs, beginMs: sentAtMs, first: null, last: null });
  };

  const read = (register: Register, row: Row, value: number, names: Names): void => {
    const { key, sentAtMs, doneAtMs } = row;
    const step = (): Step => readOf(row, value, names);
    const own = value === nothing ? register.nothing : value === foreign ? register.foreign : live.get(value);
    if (own && own.key === key) {
      if (sentAtMs <= own.beginMs) return;
      const passed = own.beginMs;
      own.beginMs = sentAtMs;
      own.last = step();
      // Of the clusters that now go before this one, none may come after it.
      const { clusters } = register;
      for (let index = firstFrom(clusters, passed); index < clusters.length; index++) {
        const other = clusters[index] as Cluster;
        if (other.endMs >= sentAtMs) return;
        if (other !== own && other.beginMs > own.endMs) return contradicted(register, key, own.last, own, own.first);
      }
      return;
    }
    if (own) return alone(register, key, step(), 'elsewhere');
    if (value === nothing) {
      const begun: Cluster = { value, key, endMs: Number.NEGATIVE_INFINITY, beginMs: sentAtMs, first: null, last: null };
      register.nothing = begun;
      if (overwrittenBy(register, step(), null)) contradicted(register, key, step(), begun, null);
      return;
    }
    const first = register.gone?.get(value);
    if (first !== undefined || overBy(register, value, doneAtMs - writes.longestMs))
      return contradicted(register, key, step(), null, first ?? null);
    if (value === foreign) return alone(register, key, step(), 'foreign');
    const outcome = writes.outcome(value);
    if (outcome === 'failed') return alone(register, key, step(), 'failed');
    if (outcome !== null && doneAtMs < writes.sentAtMs(value)) return alone(register, key, step(), 'early');
    const begun = step();
    const writtenLast = outcome !== null && writes.sentAtMs(value) > sentAtMs;
    enter(register, {
      value,
      key,
      endMs: doneAtMs,
      beginMs: writtenLast ? writes.sentAtMs(value) : sentAtMs,
      first: begun,
      last: writtenLast ? null : begun,
    });
  };

  const alone = (register: Register, key: number, step: Step, reason: Reason): void =>
    violation(register, key, step, reason, reason === 'failed' || reason === 'early' ? [writeOf(step.value), step] : [step]);

  const contradicted = (register: Register, key: number, step: Step, own: Cluster | null, first: Step | null): void => {
    const other = overwrittenBy(register, step, own);
    const same = step.value === nothing ? null : stepsOf(register, step.value, first, first);
    const window = other ? overwritten(step, same, stepsOf(register, other.value, other.first, other.last)) : [];
    // Known as written, and nothing has overwritten it: then it was never written to this key.
    if (other === null || window.length === 0) return alone(register, key, step, 'elsewhere');
    violation(register, key, step, 'overwritten', window, other.value);
  };

  const look = (row: Row, value: number, isWrite: boolean, names: Names): void => {
    const register = (registers[row.key] ??= newRegister());
    if (spentMs > withinMs) {
      register.unfinished = true;
      return;
    }
    operations++;
    nowMs = row.doneAtMs;
    if (pending.length > 0) settle(names, nowMs);
    if (isWrite) write(register, row);
    else read(register, row, value, names);
  };

  let rows = 0;
  return {
    see(row, names) {
      const isWrite = row.verb === 'set' || row.verb === 'set-pair';
      if (isWrite) senders[row.id] = ((row.node + 2) << 16) | row.client;
      else if ((row.verb !== 'get' && row.verb !== 'get-pair') || row.replica) return;
      if (row.outcome !== 'ok') return;
      const value = row.verb === 'get-pair' ? row.valueAt(0) : row.value;
      if (row.verb === 'get-pair' && (row.count !== 2 || row.valueAt(1) !== value)) return;
      if (rows++ % timedRows !== 0) return look(row, value, isWrite, names);
      const startedMs = cpuMs();
      look(row, value, isWrite, names);
      spentMs += timedRows * (cpuMs() - startedMs);
    },
    finish(names) {
      settle(names, Number.POSITIVE_INFINITY);
      let keys = 0;
      let linearizable = 0;
      let unfinished = 0;
      const named: string[] = [];
      registers.forEach((register, key) => {
        if (!register) return;
        keys++;
        if (register.violated) return;
        if (!register.unfinished) linearizable++;
        else if (unfinished++ < examplesKept) named.push(names.key(key));
      });
      const because = unfinished === 0 ? null : `the check was given ${withinMs} ms, which were over before the history was`;
      return {
        keys,
        linearizable,
        notLinearizable: violations.result(),
        unknown: { keys: unfinished, named, because },
        operations,
      };
    },
  };
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** So few clusters are not worth pruning. */
const prunedLength = 4;

const newRegister = (): Register => ({
  clusters: [],
  nothing: null,
  foreign: null,
  sinceMs: Number.NEGATIVE_INFINITY,
  gone: null,
  pruneAt: prunedLength,
  violated: false,
  unfinished: false,
});

const readOf = ({ id, client, node, sentAtMs, doneAtMs }: Row, value: number, names: Names): Step => ({
  id,
  verb: 'get',
  value,
  client,
  node: names.node(node),
  sentAtMs,
  doneAtMs,
  outcome: 'ok',
});

/** The index of the first cluster that ends at this moment or later. */
function firstFrom(clusters: readonly Cluster[], ms: number): number {
  let from = 0;
  let to = clusters.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((clusters[middle] as Cluster).endMs < ms) from = middle + 1;
    else to = middle;
  }
  return from;
}
