import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';

/** With `save` set and stop-writes-on-bgsave-error a failure refuses every write, PING among them, with MISCONF (server.c writeCommandsDeniedByDiskError). */
export default {
  name: 'snapshots-succeed',
  claim: 'At no time had the last snapshot of a node failed, nor the last write to its AOF.',
  check(timeline) {
    const steadyAtMs = timeline.phaseAtMs('steady');
    const failures = timeline
      .seen('persistence', { fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY })
      .filter(({ value }) => !value.snapshotOk || !value.aofOk);
    if (failures.length > 0) {
      const firsts = [...Map.groupBy(failures, ({ node }) => node).values()].flatMap((all) => all.slice(0, 1));
      return violated(
        firsts.map(({ node, value }) => `${node} could not write its ${value.snapshotOk ? 'AOF' : 'snapshot'}`).join('; '),
        firsts.map(({ seq }) => seq),
      );
    }
    if (steadyAtMs === undefined) return unknown('the run was never steady');
    return heldByAll('INFO persistence', [timeline.final('persistence')], 'no snapshot and no write to an AOF failed');
  },
} satisfies Invariant;
