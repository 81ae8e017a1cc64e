/*
 * One long command stalls an engine: a script, KEYS, a sort of millions. Nothing has crashed, but one thread does
 * everything (ae.c aeMain), the bus included: it answers no ping, and after the node timeout the others take the node for
 * dead (cluster.c clusterCron). People see a failover with no crash in any log, and find that what the old primary
 * acknowledged when it came back to itself is gone.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, and the command takes 6 s instead of 45 s. A script stands for any command:
 * its lua-time-limit is raised to its length, since with the default of 5 s an engine answers the bus in the middle of it.
 *
 * What the run shows: a node timeout above the longest command keeps the primary in its place, but its clients still wait.
 * A lua-time-limit far below the node timeout keeps it too: from then on the engine reads its sockets now and then in the
 * middle of the script (script.c scriptInterrupt, scripting.c luaMaskCountHook in 6.0), answers the pings of the bus, and
 * tells clients BUSY.
 */
import { engine } from '../src/driver.ts';
import blockMainThread, { loop } from '../src/fault/block-main-thread.ts';
import { bitten, defineExperiment, InconclusiveError, replaced } from '../src/index.ts';

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
    audit:
      'No setting alone decides: it is the longest command beside cluster-node-timeout, and for scripts lua-time-limit (busy-reply-threshold) as well.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  budget: { failovers: 0 },
  variants: {
    wounded: { about: 'a command of 6 s (a script whose lua-time-limit is as long)', expect: { 'failovers-bounded': 'violated' } },
    cured: { about: 'a command of 1 s', budget: { stallMs: 2_000 } },
    'longer-timeout': {
      about: 'a command of 6 s, and a node timeout of 8 s: no failover, but clients wait as long',
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
  async disturb({ inject, perform, need, until, cluster, random, variant }) {
    if (variant === 'script-limit') {
      const { name } = random.pick(cluster.nodes.filter(({ formedAs }) => formedAs === 'primary'));
      const { output } = await perform(engine(name, `$CLI EVAL "${loop}" 0 6000`));
      if (!output.includes('done')) throw new InconclusiveError(`the script at ${name} did not run to its end: ${output}`);
      return;
    }
    await using blocked = await inject(blockMainThread('one primary', { blockFor: variant === 'cured' ? '1s' : '6s' }));
    const [node = ''] = blocked.nodes;
    await need('the fault bites', (timeline) => bitten(timeline, blocked), '8s');
    await until(
      'it is replaced, or answers again',
      (timeline) =>
        replaced(timeline, node) || timeline.seen('ping', { node, fromMs: timeline.of('fault-effective')[0]?.atMs ?? 0 }).length > 0,
      '10s',
    );
  },
});
