/*
 * The disk of a primary is full. What then fails depends on what it writes: a snapshot, and with it every write of
 * clients and even PING, refused with MISCONF (server.c writeCommandsDeniedByDiskError); a full resync by way of the disk,
 * again and again; the AOF (aof.c flushAppendOnlyFile), which with appendfsync always ends the process; nodes.conf, which
 * from Redis 7.2 on and on every Valkey ends the process at the next change anywhere in the cluster (cluster.c
 * clusterSaveConfigOrDie: a new file and a rename, where older ones overwrite the old file in place and need no space).
 *
 * Scaled: a data set of 4 MB on a volume of 64 MB with 1 MB free, or nothing where a single block is enough to fail; a
 * snapshot after a second with a change. It is asked for when the disk is full already, for one that had begun would give its
 * space back. A failed snapshot is tried again after 5 s.
 */
import diskFull from '../src/fault/disk-full.ts';
import kill from '../src/fault/kill.ts';
import { defineExperiment, type EngineInfo, linked, outage, replaced, resyncs, type Stage, type Timeline } from '../src/index.ts';
import registers from '../src/workload/registers.ts';

const primary = 'node-1';
const replica = 'node-4';
const bystander = 'node-5';
/** A shard that is refused its writes for longer than this is down to people. */
const gapMs = 2_000;

/** nodes.conf is written anew and renamed. */
const renames = ({ kind, version }: EngineInfo): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return kind === 'valkey' || major > 7 || (major === 7 && minor >= 2);
};
const canDoWithout = ({ kind, version }: EngineInfo): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return kind === 'valkey' && (major > 9 || (major === 9 && minor >= 1));
};

const newest = (timeline: Timeline) => timeline.newest('persistence', primary);
const ended = (timeline: Timeline): boolean => timeline.of('container-exited').some(({ node }) => node === primary);

/** What happens while the disk is full, by variant. */
async function meanwhile(stage: Stage): Promise<void> {
  const { cluster, variant, need, until, sleep, inject } = stage;
  switch (variant) {
    case 'sync-to-disk':
    case 'diskless': {
      {
        await using _cut = await outage(stage, replica, primary);
        await sleep('1s');
      }
      if (variant === 'sync-to-disk') {
        await until('the replica is in step again', (seen) => linked(seen, replica), '6s');
        return;
      }
      await need('the replica is in step again', (seen) => linked(seen, replica), '15s');
      await need('a full resync has tried the disk', (seen) => resyncs(seen).full > 0, '1s');
      return;
    }
    case 'nodes-conf':
    case 'best-effort': {
      // Everybody notes that a replica has failed.
      await using _killed = await inject(kill(bystander));
      // Two failures are noticed one after the other, where the second ends it; elsewhere it lives on.
      const within = variant === 'nodes-conf' && renames(cluster.engine) ? '25s' : '9s';
      await until(`${primary} has ended and is replaced`, (seen) => replaced(seen, primary), within);
      return;
    }
    case 'aof-always':
      await until(`${primary} has ended`, ended, '10s');
      await until(`${primary} is replaced`, (seen) => replaced(seen, primary), '10s');
      return;
    default:
      await until('something could not be written', (seen) => newest(seen)?.snapshotOk === false || newest(seen)?.aofOk === false, '6s');
      await sleep('3s');
  }
}

export default defineExperiment({
  name: 'disk-full-primary',
  hypothesis: 'A primary whose disk is full goes on with its work, and goes back to all of it when there is space again.',
  failure: {
    level: 'medium',
    symptom: 'MISCONF for every write and for PING, full resyncs that fail one after the other, or a node that exits when a peer fails',
    cause:
      'A snapshot or the AOF cannot be written, and writes are refused (server.c writeCommandsDeniedByDiskError); nodes.conf cannot be written, and the process ends (cluster.c clusterSaveConfigOrDie).',
    setting:
      'save, stop-writes-on-bgsave-error, appendonly, appendfsync, repl-diskless-sync, cluster-config-save-behavior, and the free space of the volume',
    remedy:
      'a volume with room for the data set twice, and an alarm on it; the engine goes on by itself when there is space, unless it has ended: then it must be started',
    engines:
      'From Redis 7.2 on and on every Valkey a change of the cluster ends a process that cannot write nodes.conf; Redis 6.0 and 7.0 overwrite it in place. Valkey from 9.1 on can go on with cluster-config-save-behavior best-effort.',
    audit: 'How much space is left decides, which no setting says.',
  },
  cluster: { config: { 'repl-backlog-size': '16kb', rdbcompression: 'no' } },
  workload: registers({ valueBytes: 2_000 }),
  variants: {
    wounded: {
      about: 'snapshots fail, and every write is refused with MISCONF until one succeeds',
      budget: { gapMs },
      expect: { 'snapshots-succeed': 'violated', 'gap-bounded': 'violated' },
    },
    cured: { about: 'the volume has room for the data set twice', budget: { gapMs } },
    'sync-to-disk': {
      about: 'a replica needs a full resync, which goes by way of the disk and fails',
      config: { 'repl-diskless-sync': 'no' },
      expect: { 'snapshots-succeed': 'violated', 'no-endless-full-resync': 'violated' },
    },
    diskless: {
      about: 'a replica needs a full resync, which goes from memory into the link',
      config: { 'repl-diskless-sync': 'yes' },
    },
    aof: {
      about: 'the AOF cannot be written: MISCONF until it can, which the engine finds out by itself',
      config: { appendonly: 'yes' },
      budget: { gapMs },
      expect: { 'snapshots-succeed': 'violated', 'gap-bounded': 'violated' },
    },
    'aof-always': {
      about: 'with appendfsync always a write that cannot be appended ends the process',
      config: { appendonly: 'yes', appendfsync: 'always' },
      expect: { 'no-unexpected-exit': 'violated' },
    },
    'nodes-conf': {
      about: 'another node fails, and that cannot be written down',
      expect: (engine) => (renames(engine) ? { 'no-unexpected-exit': 'violated' } : {}),
    },
    'best-effort': {
      about: 'as nodes-conf, with cluster-config-save-behavior best-effort',
      config: { 'cluster-config-save-behavior': 'best-effort' },
      unsuited: (engine) => (canDoWithout(engine) ? undefined : 'only Valkey from 9.1 on can do without its nodes.conf'),
    },
  },
  prepare: ({ fill }) => fill(primary, { bytes: 4_000_000, valueBytes: 8_000 }),
  async disturb(stage) {
    const { inject, tell, until, variant } = stage;
    const freeBytes = { cured: 20_000_000, wounded: 1_000_000, 'sync-to-disk': 1_000_000 }[variant] ?? 0;
    {
      await using _full = await inject(diskFull(primary, { freeBytes }));
      if (variant === 'wounded' || variant === 'cured') await tell(primary, 'CONFIG', 'SET', 'save', '1 1');
      await meanwhile(stage);
    }
    await until('all can be written again', (timeline) => newest(timeline)?.snapshotOk === true && newest(timeline)?.aofOk === true, '12s');
  },
});
