import { createHash } from 'node:crypto';
import { Timeline } from '../src/timeline/timeline.ts';
import type { Observations, ProbeName } from '../src/timeline/observation.ts';
import type { Happening, RunInfo, TimelineEvent } from '../src/timeline.ts';

export const idOf = (name: string): string => createHash('sha1').update(name).digest('hex');
const names = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6'];
const ranges: readonly (readonly [number, number])[] = [
  [0, 5460],
  [5461, 10922],
  [10923, 16383],
];

export const run: RunInfo = {
  format: 2,
  id: 'test',
  experiment: 'made-up',
  hypothesis: 'Nothing happens.',
  variant: 'cured',
  seed: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  epochMs: 0,
  command: 'none',
  slotquake: '0',
  gitCommit: null,
  engine: { kind: 'redis', version: '7.0.15', image: 'none' },
  driver: { name: 'fake', version: '0', reach: 'address' },
  nodes: names.map((name, index) => ({
    name,
    id: idOf(name),
    address: `10.0.0.${index + 1}:6379`,
    role: index < 3 ? 'primary' : 'replica',
    slots: index < 3 ? [ranges[index] as [number, number]] : [],
  })),
  settings: { 'cluster-node-timeout': '2000', 'repl-diskless-sync-delay': '0' },
  workload: { kind: 'registers', client: 'bare', clients: 1, wait: 0, readShare: 0.5, readsFrom: 'primary' },
  budget: {},
  settleWithinMs: 30_000,
  invariants: [],
  expect: {},
};

/** What a healthy node answers, with changes for the one that is not. */
export function healthy(node: string): { -readonly [P in ProbeName]: Observations[P] } {
  const index = names.indexOf(node);
  const primary = index < 3;
  return {
    ping: { roundTripMs: 0.2 },
    'cluster-info': {
      state: 'ok',
      counters: {
        cluster_slots_ok: 16384,
        cluster_slots_pfail: 0,
        cluster_slots_fail: 0,
        cluster_current_epoch: 6,
        cluster_stats_messages_sent: 500,
        cluster_stats_messages_received: 500,
      },
    },
    topology: names.map((name, i) => ({
      id: idOf(name),
      address: `10.0.0.${i + 1}:6379`,
      busPort: 16379,
      flags: [...(name === node ? ['myself'] : []), i < 3 ? 'master' : 'slave'],
      primary: i < 3 ? null : idOf(names[i - 3] as string),
      pingSentAt: 0,
      pongReceivedAt: 1,
      configEpoch: (i % 3) + 1,
      linked: true,
      slots: i < 3 ? [ranges[i] as [number, number]] : [],
      open: [],
    })),
    replication: {
      runId: `run of ${node}`,
      role: primary ? 'primary' : 'replica',
      replid: `history ${index % 3}`,
      offset: 100,
      replicas: [],
      syncFull: primary ? 1 : 0,
      syncPartialOk: 0,
      syncPartialErr: 0,
      ...(primary ? {} : { link: 'up' as const, syncInProgress: false, primaryAddress: `10.0.0.${index - 2}:6379` }),
    },
    links: names
      .filter((name) => name !== node)
      .flatMap((name) => (['to', 'from'] as const).map((direction) => ({ direction, node: idOf(name) }))),
    keys: { count: 20 },
    'slot-keys': { counts: [[ranges[index % 3]?.[0] ?? 0, 20]] },
    memory: {
      usedBytes: 3_000_000,
      rssBytes: 12_000_000,
      fragmentation: 4,
      allocatorFragmentation: 1.1,
      limitBytes: 0,
      replicaBuffersBytes: 0,
      backlogBytes: 1_048_576,
      linkBytes: 10_000,
      evictedKeys: 0,
      expiredKeys: 0,
    },
    persistence: {
      loading: false,
      snapshotUnderWay: false,
      snapshotOk: true,
      aofEnabled: false,
      aofOk: true,
      changesSinceSave: 0,
      lastForkMicros: 0,
    },
  };
}

export type Change = (answers: ReturnType<typeof healthy>, node: string, phase: string) => void;

/** A whole run of six nodes, one round of answers a phase; `change` plants a defect, `extra` adds events to the disturb phase. */
export function recorded({
  change = () => {},
  extra = [],
  info = {},
}: { change?: Change; extra?: readonly Happening[]; info?: Partial<RunInfo> } = {}): Timeline {
  const events: TimelineEvent[] = [];
  const add = (happening: Happening): void =>
    void events.push({ seq: events.length, atMs: events.length * 10, ...happening } as TimelineEvent);
  for (const phase of ['form', 'steady', 'disturb', 'settle', 'verify'] as const) {
    add({ type: 'phase-entered', phase });
    for (const node of names) {
      const answers = healthy(node);
      change(answers, node, phase);
      for (const [probe, value] of Object.entries(answers)) add({ type: 'observed', node, probe, value } as Happening);
    }
    if (phase === 'disturb') for (const happening of extra) add(happening);
    if (phase === 'settle') add({ type: 'settled', afterMs: 100 });
    if (phase === 'verify') {
      add({ type: 'workload-stopped', ok: 100, failed: 0, unknown: 0, redirects: 0 });
      add({ type: 'read-back', keys: 60, unreadable: 0 });
      add({ type: 'cluster-checked', node: 'node-1', exitCode: 0, objections: [] });
    }
  }
  add({ type: 'phase-entered', phase: 'judge' });
  return new Timeline({ ...run, ...info }, events);
}
