import type { Stage } from './experiment.ts';
import type { ActiveFault } from './fault.ts';
import partition from './fault/partition.ts';
import resetConnections from './fault/reset-connections.ts';
import type { Timeline } from './timeline/timeline.ts';

/**
 * Replication between two nodes is cut so that both notice it at once, as after a reset by a switch or a firewall; the bus
 * stays open. Packets that are only dropped leave both ends waiting for repl-timeout, and the old connection would go on
 * where it was after the heal.
 */
export async function outage({ inject }: Stage, replica: string, primary: string): Promise<ActiveFault> {
  const cut = await inject(partition(replica, { against: primary, port: 'client' }));
  const pair = `${replica}, ${primary}`;
  await (await inject(resetConnections(pair, { port: 'client', peers: pair }))).heal();
  return cut;
}

/**
 * Whether the newest answer of a replica says that it is linked and takes no full resync. What it said before a fault was
 * last injected or healed does not count: it may be of a process that is gone.
 */
export function linked(timeline: Timeline, replica: string): boolean {
  const deeds = [...timeline.of('fault-injected'), ...timeline.of('fault-healed')];
  const fromMs = Math.max(0, ...deeds.map(({ atMs }) => atMs));
  const newest = timeline.newest('replication', replica, { fromMs });
  return newest?.link === 'up' && newest.syncInProgress === false;
}

/**
 * Whether a primary has written more since `fromMs` than its backlog still holds, so that a replica which missed it needs a full
 * resync (replication.c masterTryPartialResynchronization). The backlog is trimmed by whole blocks, of a sixteenth of it or
 * 16 KB (feedReplicationBuffer, incrementalTrimReplicationBacklog): it may hold one more than its size.
 */
export function overrun(timeline: Timeline, primary: string, backlogBytes: number, fromMs: number): boolean {
  const now = timeline.newest('replication', primary)?.offset ?? 0;
  const before = timeline.newest('replication', primary, { toMs: fromMs })?.offset ?? Number.POSITIVE_INFINITY;
  return now - before > backlogBytes + Math.max(backlogBytes / 16, 16_384);
}
