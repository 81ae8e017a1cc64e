import { describe, expect, it } from 'vitest';
import { measure, type WriteGap } from '../../src/timeline/measures.ts';
import { fault, film, line } from '../invariant/recorded.ts';
import { idOf } from '../recorded.ts';

const crash = film({
  extra: [
    ...fault('node-1', 'crashed', 1_000, 7_000),
    { atMs: 3_700, type: 'log-line', node: 'node-3', loggedAtMs: 3_650, kind: 'fail', text: 'Marking node … as failing' },
    { atMs: 8_000, type: 'workload-stopped', ok: 0, failed: 0, unknown: 0 },
  ],
  change: (answers, node, atMs) => {
    if (atMs > 3_800 && node === 'node-2') line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
    if (atMs > 4_500 && node === 'node-4')
      line(answers, idOf('node-4'), { flags: ['myself', 'master'], slots: [[0, 5460]], primary: null });
  },
});
const named = (gaps: readonly WriteGap[], timeline = crash) =>
  Object.fromEntries(measure(timeline, gaps).map(({ name, measuredMs }) => [name, measuredMs]));

describe('measure', () => {
  it('takes detection from the first log or view, and failover from the first claim', () => {
    expect(named([])).toMatchObject({ detection: 2_600, failover: 3_463, rejoin: 400 });
  });
  it('gives each shard its longest stretch without an acknowledged write, beside the theory of a failover', () => {
    const gaps = measure(crash, [
      { shard: 'node-1', writeGapMs: 4_200.4 },
      { shard: 'node-3', writeGapMs: null },
    ]).filter(({ name }) => name.startsWith('write gap'));
    expect(gaps).toMatchObject([
      { name: "write gap of node-1's slots", measuredMs: 4_200, theoryMs: [0, 5_500] },
      { name: "write gap of node-3's slots", measuredMs: null },
    ]);
  });
  it('measures nothing that did not happen', () => expect(named([], film())).toMatchObject({ detection: null, failover: null }));
});
