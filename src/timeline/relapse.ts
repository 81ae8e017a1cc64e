import type { Json } from '../base/json.ts';
import { spanOf } from './claims.ts';
import type { Timeline } from './timeline.ts';

/** The longest cut whose relapse is waited for. */
const relapseWithinMs = 15_000;
/** Messages of the bus have a port of their own: a fault that names ports and not this one holds none of them up. */
const busPort = 16_379;
const reachesBus = (plan: Json): boolean => {
  const ports = plan !== null && typeof plan === 'object' && 'ports' in plan ? plan.ports : null;
  return !Array.isArray(ports) || ports.includes(busPort);
};
/** For the first of the intervals, 200 ms, and for whoever asks the nodes. */
const slackMs = 500;

/**
 * Until when packets from before a heal may still arrive. What a node sent into a cut link waits in its kernel, also after
 * the engine has closed the link, and is sent again at intervals that double: the next time comes within as long as the
 * link was cut. A message from before a failover makes whoever gets it take the new primary for the replica that it was
 * (cluster.c clusterProcessPacket, "Master turned into a slave!"; later engines refuse an older config epoch), until the
 * next message corrects it.
 */
export function relapseUntilMs(timeline: Timeline): number {
  const ends = timeline
    .of('fault-injecting')
    .filter(({ exposes, plan }) => reachesBus(plan) && exposes.some(({ how }) => how === 'isolated'))
    .map(({ fault }) => spanOf(timeline, fault))
    .filter(({ healedAtMs }) => Number.isFinite(healedAtMs))
    .map(({ injectedAtMs, healedAtMs }) => healedAtMs + Math.min(relapseWithinMs, healedAtMs - injectedAtMs) + slackMs);
  return Math.max(0, ...ends);
}
