import { describe, expect, it } from 'vitest';
import bounded from '../../src/invariant/gossip-rate-bounded.ts';
import { type Answers, film, startsAtMs } from './recorded.ts';

/** Counters of node-2 that grow like this. */
const counting =
  (count: (atMs: number) => { readonly sent: number; readonly received?: number }) =>
  (answers: Answers, node: string, atMs: number): void => {
    if (node !== 'node-2') return;
    const { sent, received = 0 } = count(atMs);
    const counters = { ...answers['cluster-info'].counters, cluster_stats_messages_sent: sent, cluster_stats_messages_received: received };
    answers['cluster-info'] = { ...answers['cluster-info'], counters };
  };

describe('gossip-rate-bounded', () => {
  it('holds at what a healthy node sends, and says how much it was', () => {
    expect(bounded.check(film({ change: counting((atMs) => ({ sent: atMs / 100 })) }))).toMatchObject({
      outcome: 'held',
      because: expect.stringMatching(/^node-2 sent 10 messages a second .* where 1000 are allowed/),
    });
  });
  it.each(['sent', 'received'] as const)('is violated where too many are %s for some seconds', (way) => {
    const burst = (atMs: number): number => Math.max(0, (atMs - 3_000) * 1.5);
    const timeline = film({ change: counting((atMs) => ({ sent: 0, [way]: burst(atMs) })) });
    const finding = bounded.check(timeline);
    expect(finding).toMatchObject({ outcome: 'violated', because: expect.stringContaining(`node-2 ${way} 1500 messages a second`) });
    expect(finding.outcome === 'violated' && finding.witnesses).toHaveLength(2);
  });
  it('holds where there are many in one moment', () => {
    expect(bounded.check(film({ change: counting((atMs) => ({ sent: atMs < 4_000 ? 0 : 2_000 })) }))).toMatchObject({ outcome: 'held' });
  });
  it('is violated below the usual limit where the budget allows less', () => {
    const change = counting((atMs) => ({ sent: atMs / 20 }));
    expect(bounded.check(film({ change, info: { budget: { messagesPerSecond: 40 } } }))).toMatchObject({ outcome: 'violated' });
  });
  it('counts a process that was started again from where its counters stand', () => {
    const change = counting((atMs) => ({ sent: atMs < 5_000 ? 100_000 : 10 }));
    expect(bounded.check(film({ change }))).toMatchObject({ outcome: 'held' });
  });
  it('is violated by a process that was started late and sends too many in the little time that it has', () => {
    const change = counting((atMs) => ({ sent: atMs < 7_000 ? 100_000 : (atMs - 7_000) * 2 }));
    expect(bounded.check(film({ change }))).toMatchObject({ outcome: 'violated' });
  });
  it('is unknown where a node was not seen to the end', () => {
    const change = (_: Answers, node: string, atMs: number): false | undefined =>
      node === 'node-2' && atMs > startsAtMs.verify ? false : undefined;
    expect(bounded.check(film({ change }))).toMatchObject({ outcome: 'unknown' });
  });
});
