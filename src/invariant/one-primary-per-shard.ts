import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { isPrimary, ownLine, sharedSlots, silent } from '../timeline/claims.ts';
import type { NodeView } from '../timeline/observation.ts';
import { allowanceMs, overlapBoundMs } from '../timeline/theory.ts';

interface Claim {
  slots: NodeView['slots'];
  ok: boolean;
}

/**
 * Two primaries of one slot cannot be excluded for ever: the old one hears last. A claim counts while its node would
 * accept writes, that is, says state ok itself. The guarantee is as fine as the probes (50 to 100 ms).
 */
export default {
  name: 'one-primary-per-shard',
  claim: 'Two nodes never accept writes for the same slot for longer than the engine can explain.',
  check(timeline) {
    const boundMs =
      overlapBoundMs(
        timeline.run,
        timeline.of('fault-injecting').flatMap(({ exposes }) => exposes),
      ) + allowanceMs;
    const claims = new Map<string, Claim>();
    const since = new Map<string, { atMs: number; seq: number }>();
    let longest = { ms: 0, pair: '', witnesses: [] as number[] };
    const look = (atMs: number, seq: number): void => {
      const active = [...claims].filter(([, claim]) => claim.ok && claim.slots.length > 0);
      const now = new Set<string>();
      for (const [index, [a, claim]] of active.entries()) {
        for (const [b, other] of active.slice(index + 1)) if (sharedSlots(claim.slots, other.slots) > 0) now.add(`${a} and ${b}`);
      }
      for (const pair of now) if (!since.has(pair)) since.set(pair, { atMs, seq });
      for (const [pair, start] of since) {
        if (atMs - start.atMs > longest.ms) longest = { ms: atMs - start.atMs, pair, witnesses: [start.seq, seq] };
        if (!now.has(pair)) since.delete(pair);
      }
    };
    for (const event of timeline.events) {
      if (event.type === 'probe-failed' || event.type === 'container-exited') claims.delete(event.node);
      else if (event.type === 'observed' && event.probe === 'topology') {
        const own = ownLine(event.value);
        claims.set(event.node, { ok: claims.get(event.node)?.ok ?? false, slots: own && isPrimary(own) ? own.slots : [] });
      } else if (event.type === 'observed' && event.probe === 'cluster-info')
        claims.set(event.node, { slots: claims.get(event.node)?.slots ?? [], ok: event.value.state === 'ok' });
      else continue;
      look(event.atMs, event.seq);
    }
    if (since.size > 0 && timeline.phaseAtMs('verify') !== undefined)
      return violated(
        `in the end ${[...since.keys()].join(' and ')} still claim the same slots`,
        [...since.values()].map(({ seq }) => seq),
      );
    if (longest.ms > boundMs)
      return violated(
        `${longest.pair} accepted writes for the same slots for ${formatMs(longest.ms)}, the bound is ${formatMs(boundMs)}`,
        longest.witnesses,
      );
    const quiet = silent(timeline.final('topology'), timeline.final('cluster-info'));
    if (quiet.length > 0) return unknown(`no topology or CLUSTER INFO of ${quiet.join(', ')} in the verify phase`);
    return held(
      longest.ms === 0
        ? 'no two nodes were seen to accept writes for the same slot'
        : `${longest.pair} overlapped for ${formatMs(longest.ms)}, within ${formatMs(boundMs)}`,
    );
  },
} satisfies Invariant;
