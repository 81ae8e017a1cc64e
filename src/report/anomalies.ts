import { formatMs } from '../base/duration.ts';
import type { Consistency, Tally } from '../consistency.ts';
import type { Sighting } from '../consistency/loss.ts';
import type { SessionAnomaly } from '../consistency/reads.ts';
import { foreign, nothing } from '../timeline/history.ts';
import type { Budget, RunInfo } from '../timeline.ts';

/** Something that clients should not have seen. */
export interface Anomaly {
  readonly name: string;
  readonly total: number;
  readonly outside: number;
  /** The item of the experiment's budget that bounds it, if one does. */
  readonly item: keyof Budget | null;
  /** The first of them in words. */
  readonly first: string;
}

/** Kinds of workload in which nothing grows: no elements to stand twice, or in the wrong place. */
const single: readonly string[] = ['registers', 'transactions'];

/** Every kind of anomaly that the operations of this run could have shown, losses apart, whether or not they did. */
export function anomaliesOf(
  { workload }: RunInfo,
  { loss, totals, queues, pairs, expiry, reads, splitBrain, linearizability }: Consistency,
): Anomaly[] {
  const all: Anomaly[] = [];
  const add = <Example>(
    name: string,
    item: keyof Budget | null,
    { total, outside, examples }: Tally<Example>,
    one: (example: Example) => string,
  ): void => {
    const [example] = examples;
    all.push({ name, total, outside, item, first: example === undefined ? '' : one(example) });
  };
  const { acknowledgements } = splitBrain.clients;
  add(
    'writes acknowledged although another node had taken over',
    null,
    acknowledgements,
    ({ key, id, node, acknowledgedAtMs, rival }) => `${id} of ${key} by ${node} at ${formatMs(acknowledgedAtMs)}, after ${rival}`,
  );
  if (reads.reads.primaries + reads.reads.replicas > 0) {
    add(
      'stale reads',
      'staleReads',
      reads.stale,
      ({ key, node, sentAtMs, returned, expected, staleMs }) =>
        `${valueText(returned)} of ${key} by ${named(node)} at ${formatMs(sentAtMs)}, ${formatMs(staleMs)} after ${valueText(expected)} was acknowledged`,
    );
    add('reads that went back', 'nonMonotonicReads', reads.nonMonotonic, session('had seen'));
    add('own writes not seen', 'unseenOwnWrites', reads.ownWriteUnseen, session('had written'));
    add(
      'values read that nobody had written',
      null,
      reads.phantoms,
      ({ key, value, node, doneAtMs, because }) =>
        `${valueText(value)} of ${key} by ${named(node)} at ${formatMs(doneAtMs)}: ${because.replaceAll('-', ' ')}`,
    );
  }
  if (linearizability.keys > 0)
    add('reads that no order explains', 'nonLinearizable', linearizability.notLinearizable, ({ explanation }) => explanation);
  if (loss.keys > 0) {
    add('refused writes that are there', null, loss.contradicted, sighting);
    if (!single.includes(workload.kind)) {
      add('elements that are there twice', null, loss.duplicated, sighting);
      add('elements in the wrong place', null, loss.reordered, sighting);
      add('elements missing from a read, there later', null, loss.stale, sighting);
    }
    add('values in the end that nobody wrote', null, loss.foreign, sighting);
    // Nobody promises when a replica has what its primary has; of two primaries nothing excuses it.
    const differing = ({ total, examples }: Consistency['loss']['divergent'], outside: number) => ({ total, outside, examples });
    const nodes = ({ key, nodes: [a, b] }: Consistency['loss']['divergent']['examples'][number]): string =>
      `${key} at ${named(a)} and at ${named(b)}`;
    add('keys of which two primaries tell different things', null, differing(loss.divergent, loss.divergent.total), nodes);
    add('keys of which a replica tells something else', null, differing(loss.replicasDiffer, 0), nodes);
  }
  if (pairs.reads > 0) {
    const torn = ({ key, node, atMs, values }: Consistency['pairs']['torn']['examples'][number]): string =>
      `${values.map(valueText).join(' and ')} of ${key} by ${named(node)} at ${formatMs(atMs)}`;
    add('halves of transactions read', 'tornTransactions', pairs.torn, torn);
    add('halves of transactions in the end', 'tornTransactions', pairs.tornInTheEnd, torn);
  }
  if (totals.keys > 0) {
    const contest = ({ key, first, second }: Consistency['totals']['contested']['examples'][number]): string =>
      `${key}: ${first.sum} by ${named(first.node)} at ${formatMs(first.acknowledgedAtMs)}, ${second.sum} by ${named(second.node)} at ${formatMs(second.acknowledgedAtMs)}`;
    add('sums that were told twice', null, totals.contested, contest);
    add('sums that went back', null, totals.wentBack, contest);
    const { total, examples } = totals.excess;
    add(
      'increments counted more than once',
      null,
      { total, outside: total, examples },
      ({ key, count, atMost }) => `${key} says ${count}, of at most ${atMost}`,
    );
  }
  if (queues.queues > 0) {
    add('messages delivered twice', 'repeatedMessages', queues.deliveredTwice, sighting);
    add('messages that came back after they were worked off', 'repeatedMessages', queues.resurrected, sighting);
    add('messages that are in a list twice', 'repeatedMessages', queues.duplicated, sighting);
    add('messages that only their consumer knows', 'lostMessages', queues.vanished, sighting);
    add('messages that nobody had sent', null, queues.phantom, sighting);
    add('refused messages that are there', null, queues.contradicted, sighting);
  }
  if (expiry.keys > 0) {
    const late = ({ id, key, node, sentAtMs, overAtMs }: Consistency['expiry']['late']['examples'][number]): string =>
      `${id} of ${key} by ${named(node)} at ${formatMs(sentAtMs)}, ${formatMs(Math.abs(sentAtMs - overAtMs))} ${sentAtMs < overAtMs ? 'before' : 'after'} its time was over`;
    add('values read after their time', 'livingDead', expiry.late, late);
    add('values gone before their time', 'lostWrites', expiry.early, late);
  }
  return all;
}

const named = (node: string | null): string => node ?? 'some node';
export const valueText = (value: number): string =>
  value === nothing ? 'nothing' : value === foreign ? 'a value of nobody' : String(value);
const sighting = ({ id, key, node, atMs }: Sighting): string => `${valueText(id)} of ${key} at ${named(node)}, seen at ${formatMs(atMs)}`;
const session =
  (had: string) =>
  ({ key, client, node, doneAtMs, expected, returned }: SessionAnomaly): string =>
    `client ${client} ${had} ${valueText(expected)} of ${key}, and ${named(node)} returned ${valueText(returned)} at ${formatMs(doneAtMs)}`;
