/*
 * An update restarts node after node, each as soon as the one before answers PING. That a primary is away for longer than the
 * node timeout costs a failover, and its slots refuse meanwhile. Worse, PING is answered before anything is replicated: the
 * node that came back has no data yet (a full resync waits for repl-diskless-sync-delay alone, replication.c
 * shouldStartChildReplication, and then takes as long as the data is large), and the only node that has it is next. What is
 * started after that is empty, and its replica copies it.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, a node is away for 6 s, the delay is 4 s instead of 5 s and stands for the
 * time that a resync takes, the grace is 1 s instead of the 10 s of docker stop. Nothing is persisted but nodes.conf. One
 * shard is restarted, as the others would only repeat it. The run shows that replica first, then CLUSTER FAILOVER, then
 * the old primary, each awaited, loses nothing and stops writes for less than a second. To be awaited is more than the
 * replication link: a vote is sent on the voter's own bus link to the replica (cluster.c clusterSendFailoverAuth), which is
 * opened again up to 100 ms after the start. A failover that is asked for before that gets no votes, and the primary holds
 * all writes for the 5 s until it is given up.
 */
import { nodeNamed } from '../src/cluster.ts';
import { defineExperiment, replaced, type Stage, type Timeline } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

const primary = 'node-1';
const graceSeconds = 1;

/** A node is taken away, for as long as the wait takes, and it is back when it answers PING. */
async function restart({ ask, perform, sleep }: Stage, node: string, wait = () => Promise.resolve()): Promise<void> {
  await perform({ run: 'stop', node, graceSeconds });
  await sleep('6s');
  await wait();
  await perform({ run: 'start', node });
  await ask(node, 'PING');
}

/** The same, and it is back when it has all that its primary has, and all the others have a link to it. */
async function restartWithCare(stage: Stage, node: string): Promise<void> {
  const latest = (timeline: Timeline) => timeline.newest('replication', node);
  const before = latest(stage.timeline())?.runId;
  await restart(stage, node);
  const { id } = nodeNamed(stage.cluster, node);
  const linked = (timeline: Timeline, peer: string): boolean =>
    timeline.newest('topology', peer)?.some((seen) => seen.id === id && seen.linked && !seen.flags.includes('fail')) ?? false;
  const back = (timeline: Timeline): boolean => {
    const now = latest(timeline);
    const inStep = now !== undefined && now.runId !== before && now.link === 'up' && now.syncInProgress === false;
    return inStep && stage.cluster.nodes.every((peer) => peer.name === node || linked(timeline, peer.name));
  };
  await stage.need(`${node} is in step and linked again`, back, '20s');
}

export default defineExperiment({
  name: 'rolling-restart',
  hypothesis: 'Restarting one node at a time, the next when the last one answers, loses nothing and stops writes for less than a second.',
  failure: {
    level: 'medium',
    symptom: 'slots refuse and data is gone after an update that restarted one node at a time',
    cause:
      'PING is answered before the node has its data back (replication.c shouldStartChildReplication), so that the update goes on to the only node that has it; and a primary that is stopped without a failover is replaced only after the node timeout (cluster.c clusterCron).',
    setting: 'what the update waits for between two nodes, and in which order it goes',
    remedy:
      'The replica first; wait for master_link_status:up there and connected in CLUSTER NODES of all others; CLUSTER FAILOVER at it; wait for its new role; then the old primary, and wait again. A readiness probe that asks for the link, not for PING.',
    audit:
      'No setting decides: it is the order, and what is waited for. Persistence softens it: with the AOF a node comes back with its data.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000, 'repl-diskless-sync': 'yes', 'repl-diskless-sync-delay': 4 } },
  workload: setAdd({ rate: 300, readShare: 0 }),
  budget: { lostWrites: 0, gapMs: 1_000 },
  variants: {
    wounded: {
      about: 'the primary, and then its replica as soon as the primary answers PING',
      expect: { 'no-acknowledged-write-lost': 'violated', 'gap-bounded': 'violated' },
    },
    cured: {
      about: 'the replica, a failover, and the old primary, each in step before the next',
      // A planned failover deposes a primary that lives.
      invariants: { except: ['live-primary-keeps-its-slots'] },
    },
  },
  async disturb(stage) {
    const replica = stage.cluster.nodes.find((node) => node.primary === primary)?.name ?? '';
    if (stage.variant !== 'cured') {
      // An election may take longer than the restart; the symptom is of one that was over.
      await restart(stage, primary, () => stage.need('the replica serves the slots', (timeline) => replaced(timeline, primary), '12s'));
      await restart(stage, replica);
      return;
    }
    await restartWithCare(stage, replica);
    await stage.tell(replica, 'CLUSTER', 'FAILOVER');
    await stage.need('the replica serves the slots', (timeline) => replaced(timeline, primary), '6s');
    await restartWithCare(stage, primary);
  },
});
