import type { EventOf } from '../timeline.ts';
import { covered, isPrimary, ownLine, sharedSlots, spanOf } from './claims.ts';
import type { NodeView } from './observation.ts';
import { allowanceMs, failoverBoundsMs } from './theory.ts';
import type { Fold, Timeline } from './timeline.ts';

/** A node became the primary of slots that another one had. */
export interface Failover {
  readonly by: string;
  /** Who was the primary of them at that moment, also where it had become one in the run. */
  readonly victim: string;
  readonly victimId: string;
  readonly slots: NodeView['slots'];
  readonly atMs: number;
  readonly seq: number;
}

interface Claim {
  readonly id: string;
  readonly slots: NodeView['slots'];
  /** When it became a primary: of two that claim a slot, the one that did later had it. */
  readonly sinceSeq: number;
}

interface Claims {
  readonly primary: Map<string, boolean>;
  /** The last claim of each node, also of one that is gone. */
  readonly claims: Map<string, Claim>;
  readonly found: Failover[];
}

const told: Fold<'topology', Claims> = {
  probe: 'topology',
  start: () => ({ primary: new Map(), claims: new Map(), found: [] }),
  step: ({ primary, claims, found }, { node, value, atMs, seq }, { run }) => {
    const own = ownLine(value);
    // Who comes back under an id of its own is no member, whatever it claims.
    if (!own || !run.nodes.some(({ id, formerIds }) => id === own.id || formerIds?.includes(own.id))) return;
    const was = primary.get(node);
    primary.set(node, isPrimary(own));
    if (!isPrimary(own)) return;
    const { id, slots } = own;
    if (was === false && covered(slots) > 0) {
      const [last] = [...claims]
        .filter(([other, claim]) => other !== node && sharedSlots(claim.slots, slots) > 0)
        .toSorted(([, a], [, b]) => b.sinceSeq - a.sinceSeq);
      if (last) found.push({ by: node, victim: last[0], victimId: last[1].id, slots, atMs, seq });
    }
    claims.set(node, { id, slots, sinceSeq: was === true ? (claims.get(node)?.sinceSeq ?? seq) : seq });
  },
};

/** Every failover that was seen since the run was steady, oldest first. */
export function failovers(timeline: Timeline): Failover[] {
  const steadyAtMs = timeline.phaseAtMs('steady') ?? 0;
  return timeline.folded(told).found.filter(({ atMs }) => atMs >= steadyAtMs);
}

/** How long before a promotion somebody may have asked for it: CLUSTER FAILOVER gives up after 5 s (CLUSTER_MF_TIMEOUT). */
const manualMs = 5_000;

/** Whether somebody asked for it: our fault that does, or an operator's command. */
export function wasAskedFor(timeline: Timeline, { by, atMs }: Failover): boolean {
  const fromMs = atMs - manualMs - allowanceMs;
  return (
    timeline
      .of('fault-injecting')
      .some((fault) => fault.name === 'failover' && fault.nodes.includes(by) && within(fault.atMs, fromMs, atMs)) ||
    timeline
      .of('commanded')
      .some((asked) => asked.node === by && !asked.failed && /CLUSTER\s+FAILOVER/i.test(asked.command) && within(asked.atMs, fromMs, atMs))
  );
}

const within = (atMs: number, fromMs: number, toMs: number): boolean => fromMs <= atMs && atMs <= toMs;

/** Whom a fault hurts; one that names nobody whom it exposes hurts those at which it is. */
export const hurtBy = ({ exposes, nodes }: Pick<EventOf<'fault-injecting'>, 'exposes' | 'nodes'>): readonly string[] =>
  exposes.length > 0 ? exposes.map(({ node }) => node) : nodes;

/**
 * The fault that made a failover happen: the last that hurt its victim early enough, still in force or healed so shortly before
 * that suspicions outlasted it. Undefined where it was none of ours.
 */
export function causeOf(timeline: Timeline, { victim, atMs }: Pick<Failover, 'victim' | 'atMs'>): EventOf<'fault-injecting'> | undefined {
  const [soonestMs, latestMs] = failoverBoundsMs(timeline.run);
  const hurt = timeline
    .of('fault-injecting')
    .filter((fault) => fault.atMs <= atMs && hurtBy(fault).includes(victim))
    .filter((fault) => atMs <= spanOf(timeline, fault.fault).healedAtMs + latestMs + allowanceMs);
  return hurt.findLast((fault) => atMs - fault.atMs >= soonestMs - allowanceMs) ?? hurt[0];
}

/** Of `FAIL message received from A about B` and `Marking node B as failing`. */
const aboutWhom = /(?:about|Marking node) ([0-9a-f]{40})/;

/** When somebody first marked or logged a node as failed, in a span of the run's clock. */
export function failedAtMs(timeline: Timeline, node: string, fromMs: number, toMs = Number.POSITIVE_INFINITY): number | undefined {
  const member = timeline.run.nodes.find(({ name }) => name === node);
  const ids = member ? [member.id, ...(member.formerIds ?? [])] : [];
  const listed = timeline
    .seen('topology', { fromMs, toMs })
    .find(({ value }) => value.some(({ id, flags }) => ids.includes(id) && flags.includes('fail')));
  const logged = timeline.of('log-line').filter(({ kind, loggedAtMs, text }) => {
    const about = aboutWhom.exec(text)?.[1];
    return kind === 'fail' && within(loggedAtMs, fromMs, toMs) && (about === undefined || ids.includes(about));
  });
  return [...(listed ? [listed.atMs] : []), ...logged.map(({ loggedAtMs }) => loggedAtMs)].toSorted((a, b) => a - b)[0];
}
