import { describe, expect, it } from 'vitest';
import {
  detectionBoundsMs,
  electionDelayBoundsMs,
  failoverBoundsMs,
  gossipMs,
  isolatedWritesMs,
  lossWindowMs,
  overlapBoundMs,
  pingPeriodMs,
  recoveryBoundMs,
  rejoinDelayMs,
} from '../../src/timeline/theory.ts';
import type { EngineInfo, RunInfo } from '../../src/timeline.ts';
import { run } from '../recorded.ts';

const with_ = (nodeTimeoutMs: number, kind: EngineInfo['kind'] = 'redis', version = '7.0.15', more: Partial<RunInfo> = {}): RunInfo => ({
  ...run,
  engine: { kind, version, image: '' },
  settings: { 'cluster-node-timeout': `${nodeTimeoutMs}`, 'repl-diskless-sync-delay': '0' },
  ...more,
});
const twoReplicasEach = {
  nodes: [
    ...run.nodes,
    ...run.nodes.filter(({ role }) => role === 'replica').map((node) => ({ ...node, name: `${node.name}b`, id: `${node.id}b` })),
  ],
};

describe('the theory', () => {
  it('bounds failover by [NT + 500, 2 NT + 1500] on Redis', () => {
    for (const nodeTimeoutMs of [1_000, 2_000, 3_000, 15_000])
      expect(failoverBoundsMs(with_(nodeTimeoutMs))).toEqual([nodeTimeoutMs + 500, 2 * nodeTimeoutMs + 1_500]);
  });
  it('bounds failover by [NT, 2 NT + 500] for the only replica on Valkey 9.1', () => {
    expect(failoverBoundsMs(with_(2_000, 'valkey', '9.1.2'))).toEqual([2_000, 4_500]);
    expect(electionDelayBoundsMs(with_(15_000, 'valkey', '9.1.2', twoReplicasEach))).toEqual([0, 1_500]);
  });
  it('scales the election delay on Valkey 9.0 and leaves it alone before', () => {
    expect(electionDelayBoundsMs(with_(15_000, 'valkey', '9.0.0'))).toEqual([500, 1_000]);
    expect(electionDelayBoundsMs(with_(3_000, 'valkey', '9.0.0'))).toEqual([100, 200]);
    expect(electionDelayBoundsMs(with_(3_000, 'valkey', '8.1.1'))).toEqual([500, 1_000]);
    expect(electionDelayBoundsMs(with_(3_000, 'redis', '10.0.0'))).toEqual([500, 1_000]);
  });
  it('contains what was measured at NT = 2 s, from a SIGKILL or SIGSTOP to the first write', () => {
    const measured: readonly (readonly [EngineInfo['kind'], string, number, number])[] = [
      ['redis', '6.2.16', 3_170, 4_880],
      ['redis', '7.0.15', 3_150, 4_430],
      ['redis', '8.0.6', 3_550, 4_680],
      ['valkey', '8.1.1', 3_270, 4_630],
      ['valkey', '9.1.2', 2_310, 3_760],
    ];
    for (const [kind, version, fastestMs, slowestMs] of measured) {
      const [low, high] = failoverBoundsMs(with_(2_000, kind, version));
      expect(fastestMs).toBeGreaterThanOrEqual(low);
      expect(slowestMs).toBeLessThanOrEqual(high);
    }
  });
  it('lets a cut-off primary write for 1.5 NT + 200, which contains the 3.25 to 4.50 s measured at NT = 3 s', () => {
    expect(isolatedWritesMs(with_(3_000))).toBe(4_700);
    expect(isolatedWritesMs(with_(15_000))).toBe(22_700);
  });
  it('bounds the overlap of two primaries, wider where the replica does not wait or the old one may thaw', () => {
    expect(overlapBoundMs(with_(15_000))).toBe(7_200);
    expect(overlapBoundMs(with_(2_000, 'valkey', '9.1.2'))).toBe(1_200);
    expect(overlapBoundMs(with_(500))).toBe(0);
    expect(overlapBoundMs(with_(500), [{ node: 'node-1', how: 'frozen' }])).toBe(gossipMs(with_(500)));
  });
  it('honours cluster-ping-interval, and the default node timeout', () => {
    expect(pingPeriodMs({ ...run, settings: { 'cluster-ping-interval': '300' } })).toBe(300);
    expect(detectionBoundsMs({ ...run, settings: {} })).toEqual([15_000, 30_300]);
  });
  it('allows recovery the longest of what runs side by side', () => {
    expect(rejoinDelayMs(with_(15_000))).toBe(5_000);
    expect(rejoinDelayMs(with_(500))).toBe(2_000);
    expect(recoveryBoundMs(with_(2_000))).toBe(5_500 + 2_000 + 1_300);
    expect(recoveryBoundMs(with_(15_000))).toBe(37_800 + 2_000 + 7_800);
    expect(recoveryBoundMs({ ...with_(2_000), settings: { 'cluster-node-timeout': '2000' } })).toBe(8_800 + 5_000);
  });
  it('excuses losses only while the fault can cause them', () => {
    const info = with_(2_000);
    expect(lossWindowMs(info, 'isolated', 60_000)).toBe(3_200);
    expect(lossWindowMs(info, 'isolated', 500)).toBe(1_800);
    expect(lossWindowMs(info, 'frozen', 5_000)).toBe(6_300);
    expect(lossWindowMs(info, 'crashed', 5_000)).toBeLessThanOrEqual(100);
    expect(lossWindowMs(info, 'emptied', 700)).toBe(700);
  });
});
