import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { slotCount } from '../timeline/claims.ts';

export default {
  name: 'state-ok',
  claim: 'In the end every node says cluster_state:ok, all slots ok, none failing.',
  check(timeline) {
    const final = timeline.final('cluster-info');
    const bad = [...final.values()]
      .filter((seen) => seen !== null)
      .filter(
        ({ value: { state, counters } }) =>
          state !== 'ok' ||
          counters['cluster_slots_ok'] !== slotCount ||
          counters['cluster_slots_pfail'] !== 0 ||
          counters['cluster_slots_fail'] !== 0,
      );
    if (bad.length === 0) return heldByAll('CLUSTER INFO', [final], `all ${final.size} nodes say ok with ${slotCount} slots ok`);
    return violated(
      bad.map(({ node, value }) => `${node} says ${value.state} with ${value.counters['cluster_slots_ok']} slots ok`).join('; '),
      bad.map(({ seq }) => seq),
    );
  },
} satisfies Invariant;
