/*
 * A primary's process is killed under load. People see its slots refuse for a few seconds, until a replica is elected,
 * and fear for what was acknowledged last. The engine writes to its replicas in the turn in which it answers its clients
 * (server.c beforeSleep, networking.c handleClientsWithPendingWrites), and what is in a socket the kernel delivers: a
 * process that dies loses next to nothing. A host that dies loses what was on its way.
 *
 * Scaled: the node timeout is 2 s instead of 15 s. Failover takes longer with it, the loss does not grow.
 */
import kill from '../src/fault/kill.ts';
import { defineExperiment, replaced, safeties } from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

export default defineExperiment({
  name: 'killed-primary',
  hypothesis: 'A primary that is killed under load is replaced in time, and nothing that it had acknowledged is lost.',
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  budget: { lostWrites: 0 },
  variants: safeties(({ wait }) => setAdd({ rate: 1_000, clients: 24, wait, readShare: 0.05 })),
  async disturb({ inject, until }) {
    await using killed = await inject(kill('one primary'));
    await until('the replica serves the slots', (timeline) => replaced(timeline, killed.nodes[0] ?? ''), '15s');
  },
});
