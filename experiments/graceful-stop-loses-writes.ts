/*
 * A primary is stopped in an orderly way while its replica lags: an update, a node that is drained, `docker stop`. Before
 * 7.0 the engine ends at once (server.c prepareForShutdown), and what its replica has not received by the time it is
 * elected is gone, though it was acknowledged. From 7.0 on it stops its clients' writes and waits for its replicas, up to
 * shutdown-timeout (isReadyToShutdown).
 *
 * The kernel still sends what is in the sockets of an engine that has ended, as the node's network outlives it here, as in
 * a pod whose container alone is restarted. What waits in the engine's own output buffers is gone with it. Scaled: the node
 * timeout is 2 s instead of 15 s, and the line carries up to 100 kB/s; the lag is what it carries in some 7 s, which is more
 * than the sockets hold, and in 4 s where the default shutdown-timeout of 10 s is to suffice. The replica can only take over
 * first while it lags less than the line carries in 5 s: a planned failover that takes longer is given up, and the writes
 * that waited meanwhile make the lag larger (cluster.c manualFailoverCheckTimeout). So that is done early, and then nobody
 * waits at the stop.
 */
import rateLimit from '../src/fault/rate-limit.ts';
import { defineExperiment, replaced, type Timeline } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

/** How far the replica is behind, by what each of the two says of itself: what the primary knows of it is up to a second old. */
function lagBytes(timeline: Timeline, primary: string, replica: string): number {
  const offset = (node: string): number => timeline.newest('replication', node)?.offset ?? 0;
  return offset(primary) - offset(replica);
}

export default defineExperiment({
  name: 'graceful-stop-loses-writes',
  hypothesis: 'A primary that is stopped in an orderly way loses nothing that it has acknowledged, even if its replica lags.',
  failure: {
    level: 'medium',
    symptom: 'acknowledged writes are gone after an update or docker stop, though nothing crashed',
    cause: 'The engine ends before its replica has received all; the replica is elected with what it has (server.c prepareForShutdown).',
    setting:
      'shutdown-timeout (10 s by default) against the time that the lag takes to be sent; the grace that docker stop or the pod gives',
    remedy:
      'CLUSTER FAILOVER at the replica first, until it is the primary, and then stop; a shutdown-timeout longer than the largest lag takes, and a grace longer than that.',
    engines: 'Before 7.0 there is no shutdown-timeout, and the engine never waits.',
    audit: {
      scale: { 'shutdown-timeout': 1, 'cluster-node-timeout': 2 / 15 },
      lines: ['shutdown-timeout 10'],
    },
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  workload: setAdd({ rate: 300, clients: 24, valueBytes: 2_000, readShare: 0 }),
  budget: { lostWrites: 0 },
  variants: {
    wounded: {
      about: 'the primary is stopped and does not wait for its replica',
      config: { 'shutdown-timeout': 0 },
      expect: { 'no-acknowledged-write-lost': 'violated' },
      unsuited: ({ kind, version }) =>
        kind === 'redis' && Number(version.split('.')[0]) < 7
          ? 'it knows no shutdown-timeout: it never waits and loses what its replica lacks, whatever is set, as the variant default shows'
          : undefined,
    },
    default: {
      about: 'the engine as it comes',
      expect: ({ kind, version }) =>
        kind === 'redis' && Number(version.split('.')[0]) < 7 ? { 'no-acknowledged-write-lost': 'violated' } : {},
    },
    cured: {
      about: 'the replica takes over first',
      // A planned failover deposes a primary that lives.
      invariants: { except: ['live-primary-keeps-its-slots'] },
    },
  },
  async disturb({ cluster, inject, need, ask, tell, perform, variant }) {
    const primary = 'node-1';
    const replica = cluster.nodes.find((node) => node.primary === primary)?.name ?? '';
    {
      await using _slow = await inject(rateLimit(replica, { kbitPerSecond: 800, port: 'client', direction: 'in', peers: primary }));
      const wantedBytes = { cured: 200_000, default: 400_000 }[variant] ?? 650_000;
      await need('the replica lags', (timeline) => lagBytes(timeline, primary, replica) > wantedBytes, '15s');
      if (variant === 'cured') {
        // Only the failover helps. Before 7.0 there is no such setting, and no waiting.
        await ask(primary, 'CONFIG', 'SET', 'shutdown-timeout', 0);
        await tell(replica, 'CLUSTER', 'FAILOVER');
        await need('the replica serves the slots', (timeline) => replaced(timeline, primary), '6s');
      }
      await perform({ run: 'stop', node: primary, graceSeconds: 15 });
      await need('the replica serves the slots', (timeline) => replaced(timeline, primary), '20s');
    }
    await perform({ run: 'start', node: primary });
  },
});
