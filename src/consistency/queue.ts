import type { Check, Excuse, Tally } from '../consistency.ts';
import { type Names, nothing, type Row } from '../timeline/history.ts';
import { Bits } from './column.ts';
import { type Losses, lossLedger, type LossLedger, mergeLosses } from './losses.ts';
import type { Sighting } from './loss.ts';
import { mergeTallies, type RunningTally, tally } from './tally.ts';
import type { WriteIndex } from './writes.ts';

/**
 * Messages of queues from which consumers take with acknowledgement. Every acknowledged message is in exactly one of
 * delivered, left, lost, undecided and unreadable.
 */
export interface Queues {
  readonly queues: number;
  readonly acknowledged: number;
  /** Taken by a consumer, or worked off. */
  readonly delivered: number;
  /** Still in the queue, or in the list of what is taken by somebody who never heard of it. */
  readonly left: number;
  /** Neither delivered nor left. */
  readonly lost: number;
  /** Not delivered and not in the queue, but what the list of the taken ones holds is not known. */
  readonly undecided: number;
  /** Neither delivered, nor is it known what the queue holds. */
  readonly unreadable: number;
  readonly losses: Losses;
  readonly unknown: number;
  /** Of unknown outcome, but delivered or left. */
  readonly recovered: number;
  /** Delivered or left although the push had failed. */
  readonly contradicted: Tally<Sighting>;
  /** Taken once more than once: a queue of this kind delivers at least once, and again what a failover has put back. */
  readonly deliveredTwice: Tally<Sighting>;
  /** Taken and not worked off, but in no list any more: whoever took it is the only one who knows it. */
  readonly vanished: Tally<Sighting>;
  /** Worked off by an acknowledged LREM, and in a list in the end. */
  readonly resurrected: Tally<Sighting>;
  /** Taken or left, though nobody has pushed it. */
  readonly phantom: Tally<Sighting>;
  /** In the final lists more than once. */
  readonly duplicated: Tally<Sighting>;
}

interface Queue {
  readonly ledger: LossLedger;
  lost: number;
  readonly vanished: RunningTally<Sighting>;
}

const takenSuffix = ':taken';

/**
 * Queues: a push is lost where its acknowledgement is followed by nothing. What was delivered twice, or came back after it
 * was worked off, is excused where any of the acknowledgements is that a failover may have undone.
 */
export function queueCheck(writes: WriteIndex, excuse: Excuse): Check<Queues> {
  const { atRest } = writes;
  const queues = new Map<number, Queue>();
  let [acknowledged, delivered, left, unreadable, unknown, recovered] = [0, 0, 0, 0, 0, 0];
  const contradicted = tally<Sighting>();
  const deliveredTwice = tally<Sighting>();
  const resurrected = tally<Sighting>();
  const phantom = tally<Sighting>();
  const duplicated = tally<Sighting>();
  /** Whether a take of a message that was taken again, or came back, is excused. There are few of them, and known beforehand. */
  const takesExcused = new Map<number, boolean>();
  const listed = new Bits(0);

  const queueOf = (key: number): Queue => {
    let queue = queues.get(key);
    if (!queue) queues.set(key, (queue = { ledger: lossLedger(excuse), lost: 0, vanished: tally<Sighting>() }));
    return queue;
  };
  const sighting =
    (row: Row, names: Names, id: number): (() => Sighting) =>
    () => ({ id, key: names.key(row.key), slot: names.slot(row.key), node: names.node(row.node), atMs: row.doneAtMs });
  const isOutside = (row: Row, names: Names): boolean => !excuse(names.node(row.node), row.doneAtMs, 'acknowledged');

  const seePush = (row: Row, names: Names): void => {
    const { id } = row;
    const queue = queueOf(row.key);
    const wasDelivered = writes.wasTaken(id) || writes.wasFinished(id);
    if (row.outcome !== 'ok') {
      if (row.outcome === 'unknown') unknown++;
      if (!wasDelivered && !writes.wasKept(id)) return;
      if (row.outcome === 'unknown') recovered++;
      else contradicted.add(true, sighting(row, names, id));
      return;
    }
    acknowledged++;
    if (wasDelivered) delivered++;
    else if (writes.wasKept(id)) left++;
    else if (!atRest.answered(row.key)) unreadable++;
    else {
      queue.lost++;
      queue.ledger.lost(row, names, 'neither delivered nor left');
      return;
    }
    queue.ledger.acknowledged(row, names);
  };

  const seeTake = (row: Row, names: Names): void => {
    const queue = queueOf(row.key);
    const id = row.value;
    if (row.outcome !== 'ok' || id === nothing) return;
    if (id < 0 || writes.outcome(id) === null) {
      phantom.add(true, sighting(row, names, id));
      return;
    }
    const cameBack = writes.wasFinished(id) && writes.wasKept(id);
    if (writes.wasTakenAgain(id) || cameBack) {
      const before = takesExcused.get(id);
      const outside = isOutside(row, names) && before !== true;
      if (before !== undefined) deliveredTwice.add(outside, sighting(row, names, id));
      takesExcused.set(id, !outside);
      if (before !== undefined) return;
    }
    if (!writes.wasFinished(id) && !writes.wasKept(id) && atRest.answered(row.key))
      queue.vanished.add(isOutside(row, names), sighting(row, names, id));
  };

  const seeFinish = (row: Row, names: Names): void => {
    queueOf(row.key);
    if (row.outcome !== 'ok' || !writes.wasKept(row.value)) return;
    // It may be that not this, but the take before it was undone.
    resurrected.add(isOutside(row, names) && takesExcused.get(row.value) !== true, sighting(row, names, row.value));
  };

  const seeFinal = (row: Row, names: Names): void => {
    if (row.outcome !== 'ok' || row.replica || row.node !== atRest.primary(row.key)) return;
    if (!queues.has(row.key) && !names.key(row.key).endsWith(takenSuffix)) return;
    for (let index = 0; index < row.count; index++) {
      const id = row.valueAt(index);
      if (id < 0 || writes.outcome(id) === null) {
        phantom.add(true, sighting(row, names, id));
        continue;
      }
      if (listed.has(id)) duplicated.add(true, sighting(row, names, id));
      listed.add(id);
    }
  };

  return {
    see(row, names) {
      if (row.verb === 'push') seePush(row, names);
      else if (row.verb === 'take') seeTake(row, names);
      else if (row.verb === 'finish') seeFinish(row, names);
      else if (row.verb === 'range' && row.final) seeFinal(row, names);
    },
    finish(names) {
      const answered = new Set<string>();
      for (let key = 0; key < names.keys; key++) if (atRest.answered(key)) answered.add(names.key(key));
      const whole = [...queues].filter(([key]) => answered.has(names.key(key) + takenSuffix)).map(([, queue]) => queue);
      const losses = mergeLosses(whole.map(({ ledger }) => ledger.finish(names)));
      const suspected = [...queues.values()].reduce((sum, { lost }) => sum + lost, 0);
      return {
        queues: queues.size,
        acknowledged,
        delivered,
        left,
        lost: losses.lost,
        undecided: suspected - losses.lost,
        unreadable,
        losses,
        unknown,
        recovered,
        contradicted: contradicted.result(),
        deliveredTwice: deliveredTwice.result(),
        vanished: mergeTallies(whole.map(({ vanished }) => vanished.result())),
        resurrected: resurrected.result(),
        phantom: phantom.result(),
        duplicated: duplicated.result(),
      };
    },
  };
}
