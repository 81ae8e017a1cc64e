import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';

/** Where operators are told to raise an alarm. */
const usualPercent = 80;
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/**
 * Against two limits: maxmemory holds for what the engine has allocated, and the limit of its container for what it has
 * resident. A forked child has as much resident as it copies, and no INFO tells that in time: headroom is for it as well.
 */
export default {
  name: 'memory-below-limit',
  claim: 'No engine uses more of its maxmemory, or of what its container may have, than the limit in percent.',
  check(timeline) {
    const { nodes, budget } = timeline.run;
    const percent = budget.memoryPercent ?? usualPercent;
    const steadyAtMs = timeline.phaseAtMs('steady');
    const shares = timeline.seen('memory', { fromMs: steadyAtMs ?? Number.POSITIVE_INFINITY }).flatMap(({ node, seq, value }) => {
      const containerBytes = nodes.find(({ name }) => name === node)?.memoryBytes ?? 0;
      return [
        { node, seq, used: value.usedBytes, limit: value.limitBytes, what: 'maxmemory' },
        { node, seq, used: value.rssBytes, limit: containerBytes, what: 'its container' },
      ].filter(({ limit }) => limit > 0);
    });
    const worst = shares.toSorted((a, b) => b.used / b.limit - a.used / a.limit)[0];
    const said = worst && `${worst.node} used ${mb(worst.used)} of the ${mb(worst.limit)} of ${worst.what}`;
    if (worst && worst.used * 100 > percent * worst.limit) return violated(`${said}, more than ${percent} %`, [worst.seq]);
    if (steadyAtMs === undefined) return unknown('the run was never steady');
    return heldByAll(
      'INFO memory',
      [timeline.final('memory')],
      said ? `${said} at most, the limit is ${percent} %` : 'no node has a limit',
    );
  },
} satisfies Invariant;
