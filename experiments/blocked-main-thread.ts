/*
 * One long command stalls an engine: a script, KEYS, a sort of millions. Nothing has crashed, but one thread does
 * everything (ae.c aeMain), the bus included: it answers no ping, and after the node timeout the others take the node for
 * dead (cluster.c clusterCron). People see a failover with no crash in any log, and find that what the old primary
 * acknowledged when it came back to itself is gone.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, and the command takes 6 s instead of 45 s.
 *
 * What the run shows: a node timeout above the longest command keeps the primary in its place, but its clients still wait.
 * A lua-time-limit far below the node timeout keeps it too: from then on the engine reads its sockets now and then in the
 * middle of the script (script.c scriptInterrupt, scripting.c luaMaskCountHook in 6.0), answers the pings of the bus, and
 * tells clients BUSY.
 */
import { engine } from '../src/driver.ts';
import blockMainThread, { loop } from '../src/fault/block-main-thread.ts';
import { bitten, defineExperiment, replaced } from '../src/index.ts';

export default defineExperiment({
  name: 'blocked-main-thread',
  hypothesis: 'A primary that is busy with one command for longer than the node timeout is waited for, since it has not crashed.',
  failure: {
    level: 'medium',
    symptom: 'a primary is failed over although its process never stopped, and its log shows nothing but its demotion',
    cause:
      'The one thread that runs a long command also answers the bus (ae.c aeMain), so pings go unanswered for longer than the node timeout (cluster.c clusterCron).',
    setting: 'cluster-node-timeout beside the longest command; for scripts also lua-time-limit (busy-reply-threshold)',
    remedy:
      'Shorter commands (SCAN, UNLINK, work in pieces), a node timeout above the longest one, and a lua-time-limit far below the node timeout.',
    audit: { scale: { 'cluster-node-timeout': 2 / 15 }, lines: ['cluster-node-timeout 60000'] },
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  budget: { failovers: 0 },
  variants: {
    wounded: { about: 'a script of 6 s', expect: { 'failovers-bounded': 'violated' } },
    cured: { about: 'a script of 1 s', budget: { stallMs: 2_000 } },
    'longer-timeout': {
      about: 'a script of 6 s, and a node timeout of 8 s: no failover, but clients wait as long',
      config: { 'cluster-node-timeout': 8_000 },
      budget: { stallMs: 2_000 },
      expect: { 'stalls-bounded': 'violated' },
    },
    'script-limit': {
      about: 'a script of 6 s, and a lua-time-limit of 500 ms: the engine answers, if only that it is busy',
      config: { 'lua-time-limit': 500 },
      budget: { stallMs: 2_000 },
    },
  },
  async disturb({ inject, perform, until, cluster, random, variant }) {
    if (variant === 'script-limit') {
      const { name } = random.pick(cluster.nodes.filter(({ formedAs }) => formedAs === 'primary'));
      await perform(engine(name, `$CLI EVAL "${loop}" 0 6000`));
      return;
    }
    await using blocked = await inject(blockMainThread('one primary', { blockFor: variant === 'cured' ? '1s' : '6s' }));
    const [node = ''] = blocked.nodes;
    await until('the fault bites', (timeline) => bitten(timeline, blocked), '8s');
    await until(
      'it is replaced, or answers again',
      (timeline) =>
        replaced(timeline, node) || timeline.seen('ping', { node, fromMs: timeline.of('fault-effective')[0]?.atMs ?? 0 }).length > 0,
      '10s',
    );
  },
});
