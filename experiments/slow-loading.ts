/*
 * A replica is restarted and answers LOADING for minutes, though the data set is small: its AOF has never been rewritten,
 * so that it holds every change there ever was, and each is carried out again (aof.c loadAppendOnlyFile). Its reads are
 * refused meanwhile and its link is down; in a primary it would be the shard that is down.
 *
 * Scaled: 3 million increments of one counter, 80 MB of AOF, replayed in a few seconds; the node timeout is 4 s instead
 * of 15 s; the cure rewrites from 1 MB on instead of 64 MB, 1/64.
 */
import restart from '../src/fault/restart.ts';
import { defineExperiment, lags, linked } from '../src/index.ts';

const primary = 'node-1';
const replica = 'node-4';
const history = { scripts: 120, increments: 25_000 };

export default defineExperiment({
  name: 'slow-loading',
  hypothesis: 'A replica that is restarted has read its data set after half a second, whatever was written before.',
  failure: {
    level: 'easy',
    symptom: 'a node that was restarted answers LOADING for minutes, though its data set is small',
    cause:
      'The AOF holds every change there ever was, because it is never rewritten, and each is carried out again (aof.c loadAppendOnlyFile, serverCron).',
    setting: 'auto-aof-rewrite-percentage 0',
    remedy: 'auto-aof-rewrite-percentage 100, the default, or BGREWRITEAOF before a restart',
    audit: {
      scale: { 'auto-aof-rewrite-percentage': 1, 'auto-aof-rewrite-min-size': 1 / 64 },
      lines: ['auto-aof-rewrite-percentage 100', 'auto-aof-rewrite-min-size 64mb'],
      unless: ({ appendonly = 'no' }) => (appendonly === 'no' ? 'there is no AOF to read without appendonly yes' : undefined),
    },
  },
  cluster: {
    config: { 'cluster-node-timeout': 4_000, appendonly: 'yes', 'auto-aof-rewrite-percentage': 0, 'auto-aof-rewrite-min-size': '1mb' },
    memoryMb: 384,
    diskMb: 128,
  },
  // How far the replica is behind while it is away and the machine is busy with the history is not the question.
  budget: { loadingMs: 500, lagSeconds: 30 },
  variants: {
    wounded: { about: 'the AOF is never rewritten', expect: { 'loads-in-time': 'violated' } },
    cured: { about: 'the AOF is rewritten when it has doubled', config: { 'auto-aof-rewrite-percentage': 100 } },
  },
  async prepare({ tell }) {
    for (let script = 0; script < history.scripts; script++)
      await tell(primary, 'EVAL', `for i = 1, ${history.increments} do redis.call('INCR', KEYS[1]) end`, 1, '{bar}');
  },
  async disturb({ inject, need }) {
    await need(
      'the replica has all of it',
      (timeline) => {
        const lag = lags(timeline, replica).at(-1);
        return lag !== undefined && lag.linked && lag.bytes < 1_000;
      },
      '15s',
    );
    await using _restarted = await inject(restart(replica));
    await need('the replica is in step again', (timeline) => linked(timeline, replica), '20s');
  },
});
