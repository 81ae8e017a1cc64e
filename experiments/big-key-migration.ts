/*
 * MIGRATE is synchronous: it serialises a key, sends it, and waits for the other side's answer, and its node does nothing
 * else meanwhile (cluster.c migrateCommand, syncio.c syncWrite). One huge key over a slow line either takes longer than
 * the timeout at some step, and resharding ends with IOERR and open slots, or it is waited for, and the whole node stands
 * still. Until the end both sides hold it: memory doubles. Many small keys move as many bytes without either.
 *
 * The timeout is one of each step and not of the whole, and redis-cli's default is 60 s, not 10 s as documents have it.
 *
 * A timeout that was too short may have left a copy at the other end, with IOERR while reading. `--cluster fix` wants to compare
 * the two with DEBUG then, which is refused from Redis 7.0 on, and with --cluster-replace it overwrites what the owner has
 * been told since by the copy: the copy has to go first. And `--cluster fix 127.0.0.1:6379` hands that address on: a node
 * which is told to MIGRATE to 127.0.0.1 sends the key to itself, and waits until the timeout for an answer that only it
 * can give. With the 60 s of redis-cli it is taken for dead.
 *
 * Scaled: 16 MB at 4 MB/s instead of gigabytes, a timeout of 200 ms instead of seconds. The node timeout is 10 s, above what
 * it takes: a node that stands still for longer is replaced, and the migration breaks in the middle.
 */
import rateLimit from '../src/fault/rate-limit.ts';
import { type Cluster, defineExperiment, engine, fixSlots, hashTagIn, nodeNamed, reshard } from '../src/index.ts';

const [from, to] = ['node-1', 'node-2'];
const bytes = 16_000_000;
const kbitPerSecond = 32_000;

/** Names of keys in the first slot of the source, which is the one that moves. */
function keyAt(cluster: Cluster, n: number | ''): string {
  const first = nodeNamed(cluster, from).slots[0]?.[0] ?? 0;
  return `big:{${hashTagIn([[first, first]])}}:${n}`;
}

export default defineExperiment({
  name: 'big-key-migration',
  hypothesis: 'Slots move to another primary unnoticed, however large their keys are.',
  failure: {
    level: 'medium',
    symptom: 'resharding ends with "IOERR error or timeout", slots stay open, or a node answers nobody for seconds while a slot moves',
    cause:
      'MIGRATE blocks the event loop of its node until the target has restored the key (cluster.c migrateCommand); at each step it waits no longer than its timeout.',
    setting: 'The size of single keys, and --cluster-timeout of redis-cli or the timeout of MIGRATE.',
    remedy:
      'Split huge keys before they move (redis-cli --bigkeys, --memkeys); a longer timeout lets the move succeed, but the node stands still for as long. redis-cli --cluster fix ends a move that failed: delete a copy at the target first (ASKING, DEL), and give it an address that other nodes know, not 127.0.0.1.',
    audit: 'No setting of the server decides: the size of keys and the timeout of the client do.',
  },
  // Nothing of the key is saved by compression: it is all zeros here.
  cluster: { config: { 'cluster-node-timeout': 10_000, rdbcompression: 'no' } },
  variants: {
    wounded: { about: 'one key, and a timeout that is too short for it', expect: { 'no-open-slots': 'violated' } },
    patient: {
      about: 'one key, and the default timeout of redis-cli, 60 s',
      // Half of what the line needs for the key.
      budget: { stallMs: 2_000 },
      expect: { 'stalls-bounded': 'violated' },
    },
    repair: { about: 'one key, a timeout that is too short; a copy at the target is deleted, and --cluster fix moves the key' },
    'repair-at-loopback': {
      about: '--cluster fix at the target, with its address as 127.0.0.1 and a timeout of 4 s: the source sends the key to itself',
      budget: { stallMs: 2_000 },
      // Whether a copy had arrived when the move was given up, which the source then holds beside the owner, is chance.
      expect: { 'no-open-slots': 'violated', 'stalls-bounded': 'violated', 'no-orphaned-keys': 'open' },
    },
    cured: { about: 'as many bytes in keys of 100 kB, and the timeout that is too short for one key', budget: { stallMs: 2_000 } },
  },
  async prepare({ tell, cluster, variant }) {
    const count = variant === 'cured' ? 160 : 1;
    const script = "for n = 1, ARGV[1] do redis.call('SETRANGE', KEYS[1] .. n, ARGV[2] - 1, 'x') end";
    await tell(from, 'EVAL', script, 1, keyAt(cluster, ''), count, bytes / count);
  },
  async disturb(stage) {
    const { cluster, inject, perform, variant } = stage;
    {
      await using _slow = await inject(rateLimit(to, { kbitPerSecond, port: 'client', peers: from, direction: 'in' }));
      const flags = `--cluster-timeout ${variant === 'patient' ? 60_000 : 200} --cluster-pipeline 1`;
      await reshard(stage, { from, to }, { slots: 1, flags, mayFail: variant !== 'patient' && variant !== 'cured' });
    }
    if (variant === 'repair') {
      await perform(engine(to, `printf 'ASKING\\nDEL ${keyAt(cluster, 1)}\\n' | $CLI`));
      await fixSlots(stage, from);
    }
    if (variant === 'repair-at-loopback') await fixSlots(stage, to, { address: '127.0.0.1:6379', flags: '--cluster-timeout 4000' });
  },
});
