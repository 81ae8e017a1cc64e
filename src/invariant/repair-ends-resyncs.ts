import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { resyncs } from '../timeline/resyncs.ts';

/** A full resync that was asked for before the repair may still count after it; the experiment says how many. */
export default {
  name: 'repair-ends-resyncs',
  claim: 'Once an operator has set what should end it, there are no more full resyncs than the experiment allows.',
  suits: ({ budget }) => budget.fullResyncsAfterRepair !== undefined,
  check(timeline) {
    const allowed = timeline.run.budget.fullResyncsAfterRepair ?? 0;
    const repair = timeline.of('commanded').findLast(({ command, failed }) => command.startsWith('CONFIG SET ') && !failed);
    if (!repair) return unknown('nobody has set anything by CONFIG SET');
    const { full, witnesses } = resyncs(timeline, repair.atMs);
    const said = `${full} full resyncs after ${repair.command}, ${allowed} are allowed`;
    if (full > allowed) return violated(said, [repair.seq, ...witnesses]);
    return heldByAll('INFO', [timeline.final('replication')], said);
  },
} satisfies Invariant;
