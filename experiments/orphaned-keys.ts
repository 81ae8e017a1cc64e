/*
 * MIGRATE gives up on a primary that does not answer in time, and that one carries out later what waits in its socket
 * (cluster.c migrateCommand, restoreCommand): the keys are on both sides. Whoever cancels the move now (SETSLOT STABLE)
 * leaves copies in slots that their node does not serve. They answer to nobody, count in DBSIZE and cost memory for ever,
 * also in the replica, and --cluster check says OK.
 *
 * Found by CLUSTER COUNTKEYSINSLOT for slots of others; cleaned up by opening the slot once more and deleting behind
 * ASKING. Valkey 9.1 drops them by itself when such a node becomes a primary ("I have keys for slot … Deleting keys in the
 * slot"); Valkey 8.1 and Redis never do while they run.
 *
 * Scaled: 1 MB in a slot, a stop of a second instead of a stalled host.
 */
import failover from '../src/fault/failover.ts';
import freeze from '../src/fault/freeze.ts';
import {
  bitten,
  carryKeys,
  defineExperiment,
  engine,
  type Expectation,
  hashTagIn,
  keySlot,
  keysArrived,
  nodeNamed,
  openSlot,
  replaced,
} from '../src/index.ts';

const [from, to] = ['node-1', 'node-2'];
/** Batches fit into the socket of somebody who reads nothing. */
const batches = { count: 10, keys: 20, valueBytes: 5_000 };

export default defineExperiment({
  name: 'orphaned-keys',
  hypothesis: 'A migration that failed and was cancelled leaves no key behind where it does not belong.',
  failure: {
    level: 'medium',
    symptom: 'a node uses more memory than its keys explain, and DBSIZE counts keys that nobody can read',
    cause:
      'MIGRATE timed out, the target restored the keys later all the same (cluster.c migrateCommand), and SETSLOT STABLE closed the slot over them: it asks for no keys, unlike SETSLOT NODE.',
    setting: 'A deed: a failed migration that was cancelled instead of finished.',
    remedy:
      'Count keys in slots of others (CLUSTER COUNTKEYSINSLOT); open the slot as IMPORTING there, delete them behind ASKING, then SETSLOT STABLE. Valkey from 9.0: CLUSTER FLUSHSLOT.',
    engines:
      'Valkey from 8.0 on drops such keys when it starts, and 9.1 when a replica is promoted as well; Redis takes the slot for one it imports when it starts.',
    audit: 'No setting decides: what helps is to finish a migration, or to clean up after it.',
  },
  cluster: { config: { 'cluster-node-timeout': 5_000 } },
  variants: {
    wounded: { about: 'the failed move is cancelled by SETSLOT STABLE', expect: { 'no-orphaned-keys': 'violated' } },
    cured: { about: 'and then cleaned up behind ASKING' },
    failover: {
      about: 'and then the replica of the node takes over',
      // It is told to.
      invariants: { except: ['live-primary-keeps-its-slots'] },
      expect: ({ kind, version }): Expectation =>
        kind === 'valkey' && Number.parseInt(version) >= 9 ? {} : { 'no-orphaned-keys': 'violated' },
    },
    flushed: {
      about: 'and then cleaned up by CLUSTER FLUSHSLOT',
      unsuited: ({ kind, version }) =>
        kind === 'valkey' && Number.parseInt(version) >= 9 ? undefined : 'CLUSTER FLUSHSLOT came with Valkey 9.0.',
    },
  },
  async disturb(stage) {
    const { cluster, inject, need, tell, until, variant, perform } = stage;
    const tag = `{${hashTagIn(cluster.nodes.find(({ name }) => name === from)?.slots ?? [])}}`;
    const slot = keySlot(tag);
    const usedBytes = (): number => stage.timeline().newest('memory', to)?.usedBytes ?? 0;
    const before = usedBytes();
    const keys = Array.from({ length: batches.count }, (_, batch) =>
      Array.from({ length: batches.keys }, (__, key) => `big:${batch}:${key}:${tag}`),
    );
    for (const batch of keys) await tell(from, 'MSET', ...batch.flatMap((key) => [key, 'x'.repeat(batches.valueBytes)]));
    await openSlot(stage, slot, { from, to });
    {
      await using frozen = await inject(freeze(to));
      for (const batch of keys) await carryKeys(stage, batch, { from, to }, 50);
      await until('the fault bites', (timeline) => bitten(timeline, frozen), '2s');
    }
    // It carries out now what waited in its sockets.
    await keysArrived(stage, to, slot, keys.flat().length);
    await need('its memory shows them', () => usedBytes() > before + 500_000, '5s');
    for (const node of [from, to]) await tell(node, 'CLUSTER', 'SETSLOT', slot, 'STABLE');
    stage.note(`the orphans cost ${usedBytes() - before} bytes`);
    switch (variant) {
      case 'cured':
        await tell(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', nodeNamed(cluster, from).id);
        // ASKING counts for the next command of its connection.
        await perform(
          engine(
            to,
            `for key in $($CLI CLUSTER GETKEYSINSLOT ${slot} 1000); do echo ASKING; echo "UNLINK $key"; done | $CLI | sort | uniq -c`,
          ),
        );
        await tell(to, 'CLUSTER', 'SETSLOT', slot, 'STABLE');
        break;
      case 'flushed':
        await tell(to, 'CLUSTER', 'FLUSHSLOT', slot);
        break;
      case 'failover': {
        await using taken = await inject(failover(`a replica of ${to}`));
        await need('the failover is seen', (timeline) => bitten(timeline, taken), '5s');
        await need('its replica serves the slots', (timeline) => replaced(timeline, to), '10s');
      }
    }
    if (variant === 'cured' || variant === 'flushed') await need('the bytes are given back', () => usedBytes() < before + 500_000, '5s');
  },
});
