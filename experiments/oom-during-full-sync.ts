/*
 * A replica takes a full resync over a slow link while a job rewrites the data. The primary then needs memory for its data
 * set, for a copy of it, and for all that is written meanwhile: each page that is written while the snapshot's child lives
 * is copied, and what is written waits for the replica in its output buffer. maxmemory counts neither (evict.c
 * freeMemoryGetNotCountedMemory), and the default limit of the buffer, 256 MB, is no help where the container has less. The
 * kernel kills the primary with exit code 137. Its replica, in the middle of the resync, is elected with what it had before:
 * all that was acknowledged since then is lost.
 *
 * Scaled: 24 MB of data in a container of 96 MB, on a link of 2 MB a second; the job rewrites all of it three times, so
 * that it takes up to five times the data. The cure is memory for data, copies and buffers together.
 */
import rateLimit from '../src/fault/rate-limit.ts';
import { defineExperiment, outage, replaced, type Timeline } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

const primary = 'node-1';
const replica = 'node-4';
const data = { bytes: 24_000_000, valueBytes: 8_000 };

const ended = (timeline: Timeline): boolean => timeline.of('container-exited').some(({ node }) => node === primary);

export default defineExperiment({
  name: 'oom-during-full-sync',
  hypothesis: 'A primary that gives a full resync while its data is rewritten has memory enough for it.',
  failure: {
    level: 'hard',
    symptom: 'a primary exits with 137 while a replica takes a full resync, and what was written meanwhile is gone',
    cause:
      'Pages that are written while the child of the snapshot lives are copied, and the stream waits in the output buffer of the replica; maxmemory counts neither (evict.c freeMemoryGetNotCountedMemory).',
    setting: 'the memory of the container, against data set, copies and client-output-buffer-limit replica together',
    remedy: 'memory for the data set, its copy and the buffer; maxmemory well below what the container has',
    audit:
      'The memory of the container decides, which is no setting of the engine; client-output-buffer-limit bounds one of the three parts, at the price of an endless full resync.',
  },
  cluster: {
    config: {
      'repl-diskless-sync': 'yes',
      'repl-backlog-size': '16kb',
      rdbcompression: 'no',
      'client-output-buffer-limit': 'replica 256mb 64mb 60',
    },
    memoryMb: 96,
  },
  workload: setAdd({ rate: 300, valueBytes: 1_000, readShare: 0 }),
  variants: {
    wounded: {
      about: 'memory for the data set four times',
      // The kernel counts the copies of the child as well: it may kill the primary before that itself is above the limit.
      expect: { 'no-unexpected-exit': 'violated', 'no-acknowledged-write-lost': 'violated', 'memory-below-limit': 'open' },
    },
    cured: { about: 'memory for the data set more than ten times', cluster: { memoryMb: 256 } },
  },
  prepare: ({ fill }) => fill(primary, data),
  async disturb(stage) {
    const { inject, until, need, sleep, fill, perform } = stage;
    await using _slow = await inject(rateLimit(replica, { kbitPerSecond: 16_000, port: 'client', peers: primary, direction: 'in' }));
    {
      await using _cut = await outage(stage, replica, primary);
      await sleep('600ms');
    }
    const asked = (timeline: Timeline): boolean =>
      timeline
        .of('log-line')
        .some(({ kind, node, atMs }) => kind === 'full-resync' && node === replica && atMs > (timeline.phaseAtMs('disturb') ?? 0));
    await need('the full resync is under way', asked, '5s');
    const job = async (): Promise<void> => {
      for (let pass = 0; pass < 3; pass++) await fill(primary, data);
    };
    let outcome: { readonly error?: unknown } | undefined;
    job().then(
      () => (outcome = {}),
      (error: unknown) => (outcome = { error }),
    );
    await need(`the job has ended or ${primary} is killed`, (timeline) => outcome !== undefined || ended(timeline), '25s');
    // The job fails with the primary, whose end is heard of a moment later; and copies and buffer outlive the job.
    if (!(await until(`${primary} is killed`, ended, '3s'))) {
      if (outcome && 'error' in outcome) throw outcome.error;
      return;
    }
    await need('the replica serves the slots', (timeline) => replaced(timeline, primary), '12s');
    await perform({ run: 'start', node: primary });
  },
});
