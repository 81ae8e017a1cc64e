import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/redirects-bounded.ts';
import type { RunInfo } from '../../src/timeline.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import { recorded, run } from '../recorded.ts';

/** A record of 100 operations and what clients and engines counted; a count that is left out was not made. */
function counted(redirects: number | null, replies: Record<string, number> | null, info: Partial<RunInfo> = {}): Timeline {
  const whole = recorded({ info, extra: [{ type: 'errors-counted', replies }] });
  return new Timeline(
    whole.run,
    whole.events.map((event) => (event.type === 'workload-stopped' ? { ...event, redirects } : event)),
  );
}
const allowed = (redirectsPerOperation: number): Partial<RunInfo> => ({ budget: { redirectsPerOperation } });

describe('redirects-bounded', () => {
  it('holds where clients were sent elsewhere at most once an operation', () => {
    expect(bounded.check(counted(100, null))).toMatchObject({ outcome: 'held', because: expect.stringContaining('1.000 each') });
  });
  it('is violated where they were sent around, or more often than the experiment allows', () => {
    expect(bounded.check(counted(101, null))).toMatchObject({ outcome: 'violated' });
    const finding = bounded.check(counted(21, null, allowed(0.2)));
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining('0.210 each, where 0.2') });
    expect(finding.outcome === 'violated' && finding.witnesses.length).toBe(2);
  });
  it('believes the engines where a library does not tell', () => {
    expect(bounded.check(counted(null, { MOVED: 90, ASK: 30, ERR: 5 }))).toMatchObject({ outcome: 'violated' });
    expect(bounded.check(counted(null, { ERR: 500 }))).toMatchObject({ outcome: 'held' });
  });
  it('is unknown where nobody counted, and is not asked where nobody can', () => {
    expect(bounded.check(counted(null, null))).toMatchObject({ outcome: 'unknown' });
    const old = { ...run.engine, version: '6.0.16' };
    expect(bounded.suits?.({ ...run, engine: old, workload: { ...run.workload, client: 'ioredis' } })).toBe(false);
    expect(bounded.suits?.({ ...run, engine: old })).toBe(true);
  });
});
