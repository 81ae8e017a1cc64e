/*
 * Slots are on their way to another primary, key by key, when that one dies. Its replica takes over with the keys that
 * had arrived, and people see clients run in circles: the old owner sends them with ASK to the node that died, that one is
 * a replica now and sends them back with MOVED (cluster.c getNodeByQuery; migrating_slots_to and importing_slots_from live
 * in one node's memory and are not handed on by a failover). Valkey hands them on from 8.0 (cluster_legacy.c
 * clusterUpdateSlotsConfigWith), so that ASK still leads somewhere; the slot stays open all the same.
 *
 * Finishing the move towards the new primary mends it, and so does `--cluster fix`. SETSLOT STABLE, which documents advise
 * for "cancelling a stuck migration", forgets where the moved keys are: they are lost, and --cluster check says OK.
 *
 * Scaled: the node timeout is 2 s instead of 15 s, and ten slots are on their way, with a key of clients and two others in each.
 */
import kill from '../src/fault/kill.ts';
import {
  carryKeys,
  defineExperiment,
  finishSlot,
  fixSlots,
  InconclusiveError,
  keysArrived,
  keySlot,
  openSlot,
  replaced,
  together,
} from '../src/index.ts';
import setAdd from '../src/workload/set-add.ts';

/** The source, the primary that dies, and the replica that takes over. */
const [from, dying, heir] = ['node-1', 'node-2', 'node-5'];

/** Keys where chance puts them, so that their names are known here. */
const clients = ({ readShare = 0.25 }) => setAdd({ rate: 300, keys: 60, distribution: 'uniform', readShare, redirects: 'follow' });

export default defineExperiment({
  name: 'slot-migration-stuck',
  hypothesis: 'A slot migration whose target dies halfway leaves nothing behind that clients notice.',
  failure: {
    level: 'medium',
    symptom: 'some keys answer "too many redirections" or ASK for ever, and --cluster check lists open slots',
    cause:
      'MIGRATING and IMPORTING are notes of single nodes (cluster.c migrating_slots_to, importing_slots_from). A failover of the target promotes a replica without them, and ASK goes on pointing at the node that failed.',
    setting: 'A deed: a migration that nobody finishes after its target failed.',
    remedy: 'Finish the move towards the new primary, or run redis-cli --cluster fix. Never SETSLOT STABLE while keys are on both sides.',
    engines: 'Valkey from 8.0 on hands open slots to replicas: ASK still leads to the keys, but the slot stays open.',
    audit: 'No setting decides: what helps is to finish the move.',
  },
  cluster: { config: { 'cluster-node-timeout': 2_000 } },
  workload: clients({}),
  budget: { unreadableKeys: 0 },
  variants: {
    wounded: {
      about: 'nobody does anything about it',
      // The slots have a sixth of the keys, and a client that gets there is sent on once.
      budget: { redirectsPerOperation: 0.25 },
      // What cannot be read is not known to be lost; keys-can-be-read asks for it instead.
      invariants: { except: ['no-acknowledged-write-lost'] },
      expect: ({ kind }) =>
        kind === 'valkey'
          ? { 'no-open-slots': 'violated' }
          : {
              'no-open-slots': 'violated',
              'no-orphaned-keys': 'violated',
              'keys-can-be-read': 'violated',
              'redirects-bounded': 'violated',
            },
    },
    stable: {
      about: 'the migration is cancelled by SETSLOT STABLE, as documents advise',
      // Whether a client reads again what it had seen is chance.
      workload: clients({ readShare: 0 }),
      // The node that died comes back as a replica with the open slots of its nodes.conf. Valkey tells replicas of STABLE, and
      // whether this one follows already when it is given is chance.
      expect: ({ kind }) => ({
        'no-acknowledged-write-lost': 'violated',
        'no-orphaned-keys': 'violated',
        ...(kind === 'valkey' && { 'no-open-slots': 'open' }),
      }),
    },
    repair: { about: '--cluster fix' },
    cured: { about: 'the move is finished by hand, towards the replica that took over' },
  },
  async disturb(stage) {
    const { cluster, inject, need, tell, variant, sleep } = stage;
    const ranges = cluster.nodes.find(({ name }) => name === from)?.slots ?? [];
    const tags = Array.from({ length: 60 }, (_, n) => `{${n}}`)
      .filter((tag) => ranges.some(([first, last]) => first <= keySlot(tag) && keySlot(tag) <= last))
      .slice(0, 10);
    await together(tags, async (tag) => {
      const [staying, going] = [`staying:${tag}`, `going:${tag}`];
      await tell(from, 'MSET', staying, 'x', going, 'x');
      await openSlot(stage, keySlot(tag), { from, to: dying });
      const answer = await carryKeys(stage, [`set-add:${tag}`, going], { from, to: dying });
      if (answer !== 'OK') throw new InconclusiveError(`the keys of ${tag} do not go: ${answer}`);
      // What its replica has not heard of yet would be lost with it, which is another failure.
      const count = await tell(dying, 'CLUSTER', 'COUNTKEYSINSLOT', keySlot(tag));
      await keysArrived(stage, heir, keySlot(tag), Number(count));
    });
    {
      await using _killed = await inject(kill(dying));
      await need('its replica serves the slots', (timeline) => replaced(timeline, dying), '15s');
    }
    switch (variant) {
      case 'stable':
        await together(tags, async (tag) => {
          for (const node of [from, heir]) await tell(node, 'CLUSTER', 'SETSLOT', keySlot(tag), 'STABLE');
        });
        // Clients go on as if nothing were amiss.
        await sleep('2s');
        break;
      case 'repair':
        await fixSlots(stage, from);
        break;
      case 'cured':
        await together(tags, async (tag) => {
          await openSlot(stage, keySlot(tag), { from, to: heir });
          await finishSlot(stage, keySlot(tag), { from, to: heir });
        });
        break;
      default:
        await sleep('3s');
    }
  },
});
