/*
 * A replica is told to take over from a primary that lives, before maintenance. CLUSTER FAILOVER makes the primary hold its
 * clients until the replica has everything, and nobody notices more than a pause (cluster.c clusterHandleManualFailover).
 * FORCE and TAKEOVER are typed by people in a hurry, since they work where the plain one refuses. They do not ask the primary:
 * what is on its way to the replica when it becomes a primary is thrown away, with all that the old primary acknowledges until
 * it hears. OK is answered at once in all three modes and means no more than that the order was taken.
 *
 * Scaled: the node timeout is 2 s, which decides nothing here. The replica is 100 ms behind, as one in another region is, so
 * that something is always on its way.
 */
import latency from '../src/fault/latency.ts';
import { bitten, defineExperiment, replaced } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

/** Not judged: whether the old primary still acknowledges after the new one did is a matter of a millisecond. */
const race = { 'one-acknowledger-per-slot': 'open' } as const;

export default defineExperiment({
  name: 'manual-failover',
  hypothesis: 'A failover by hand from a living primary loses nothing and costs less than a second, whatever its mode.',
  failure: {
    level: 'easy',
    symptom: 'a planned failover went through at once, and the last writes before it are gone',
    cause:
      'FORCE skips the handshake in which the primary stops writes until the replica has reached its offset; TAKEOVER skips the vote too (cluster.c clusterCommand, clusterHandleManualFailover).',
    setting: 'no setting: the mode of the command',
    remedy: 'CLUSTER FAILOVER without a mode wherever the primary lives; look for the new role, OK is only the receipt.',
    audit: 'No setting decides: it is the mode of the command that loses.',
  },
  workload: setAdd({ rate: 600, clients: 24, readShare: 0 }),
  // Taking the slots of a primary that answers is what a planned failover is for.
  invariants: { except: ['live-primary-keeps-its-slots'] },
  budget: { gapMs: 1_000 },
  variants: {
    wounded: { about: 'FAILOVER TAKEOVER', expect: { 'no-acknowledged-write-lost': 'violated', ...race } },
    force: { about: 'FAILOVER FORCE', expect: { 'no-acknowledged-write-lost': 'violated', ...race } },
    cured: { about: 'FAILOVER: the primary waits for its replica' },
  },
  async disturb({ cluster, inject, tell, need, sleep, variant }) {
    await using behind = await inject(latency('one replica', { delay: '100ms', port: 'client', peers: 'its primary' }));
    await need('the replica is behind', (timeline) => bitten(timeline, behind), '5s');
    // The packets of the first 100 ms are all on their way.
    await sleep('500ms');
    const [replica = ''] = behind.nodes;
    const primary = cluster.nodes.find(({ name }) => name === replica)?.primary ?? '';
    const mode = { wounded: ['TAKEOVER'], force: ['FORCE'] }[variant] ?? [];
    await tell(replica, 'CLUSTER', 'FAILOVER', ...mode);
    await need('the replica serves the slots', (timeline) => replaced(timeline, primary), '6s');
    await sleep('1s');
  },
});
