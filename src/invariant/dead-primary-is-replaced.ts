import { formatMs } from '../base/duration.ts';
import { type Invariant, heldByAll, unknown, violated } from '../invariant.ts';
import { hasEnded, isPrimary, nameOf, ownLine, spanOf } from '../timeline/claims.ts';
import { failovers, hurtBy } from '../timeline/failovers.ts';
import { allowanceMs, electionDelayBoundsMs, nodeTimeoutMs } from '../timeline/theory.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { wordsOf } from '../timeline/words.ts';

/** A primary that somebody marked failed, until nobody who answers does, or it has no slots any more. */
interface Outage {
  readonly node: string;
  readonly id: string;
  readonly fromMs: number;
  readonly seq: number;
  toMs: number;
}

function outages(timeline: Timeline): Outage[] {
  const endMs = timeline.phaseAtMs('verify') ?? timeline.events.at(-1)?.atMs ?? 0;
  const marking = new Map<string, Set<string>>();
  const open = new Map<string, Outage>();
  const found: Outage[] = [];
  for (const { node, value, atMs, seq } of timeline.seen('topology', { fromMs: timeline.phaseAtMs('steady') ?? endMs, toMs: endMs })) {
    for (const { id, flags, slots } of value) {
      const by = marking.get(id) ?? new Set();
      marking.set(id, by);
      if (flags.includes('fail') && flags.includes('master') && slots.length > 0) by.add(node);
      else by.delete(node);
      const known = open.get(id);
      if (by.size > 0 && !known) {
        const outage = { node: nameOf(timeline.run, id), id, fromMs: atMs, seq, toMs: endMs };
        open.set(id, outage);
        found.push(outage);
      } else if (by.size === 0 && known) {
        known.toMs = atMs;
        open.delete(id);
      }
    }
  }
  return found;
}

/** Whether a fault is at a node at some moment of a span. */
const isHurt = (timeline: Timeline, node: string, fromMs: number, toMs: number): boolean =>
  timeline
    .of('fault-injecting')
    .some((fault) => hurtBy(fault).includes(node) && fault.atMs <= toMs && spanOf(timeline, fault.fault).healedAtMs >= fromMs);

/** Setting names of before Redis 5 are still answered. */
const setting = ({ run }: Timeline, name: string): string | undefined =>
  run.settings[name] ?? run.settings[name.replace('replica', 'slave')];

/**
 * How old the data of a replica may be, from the loss of its link on (cluster.c clusterHandleSlaveFailover): half of it, so that none is
 * called eligible that is on the edge.
 */
function freshMs(timeline: Timeline): number {
  const factor = Number(setting(timeline, 'cluster-replica-validity-factor') ?? 10);
  return factor === 0 ? Number.POSITIVE_INFINITY : (factor * nodeTimeoutMs(timeline.run)) / 2;
}

/** A replica of it that lived, that no fault hurt, and that had its link until shortly before. */
function couldTakeOver(timeline: Timeline, { id, node: primary, fromMs, toMs }: Outage): string | undefined {
  if (setting(timeline, 'cluster-replica-no-failover') === 'yes') return undefined;
  return timeline.run.nodes
    .map(({ name }) => name)
    .find((name) => {
      if (name === primary || isHurt(timeline, name, fromMs, toMs) || hasEnded(timeline, name)) return false;
      if (timeline.of('container-exited').some((exit) => exit.node === name && exit.atMs >= fromMs && exit.atMs <= toMs)) return false;
      if (ownLine(timeline.newest('topology', name, { toMs: fromMs }) ?? [])?.primary !== id) return false;
      const linked = timeline.seen('replication', { node: name, toMs: fromMs }).findLast(({ value }) => value.link === 'up');
      return linked !== undefined && fromMs - linked.atMs < freshMs(timeline);
    });
}

/** A failover needs the votes of more than half of the primaries with slots, the dead one counted. */
function hasVoters(timeline: Timeline, { fromMs, toMs }: Outage): boolean {
  const primaries = timeline.run.nodes.filter(({ name }) => {
    const own = ownLine(timeline.newest('topology', name, { toMs: fromMs }) ?? []);
    return own !== undefined && isPrimary(own) && own.slots.length > 0;
  });
  const well = primaries.filter(({ name }) => !isHurt(timeline, name, fromMs, toMs) && !hasEnded(timeline, name));
  return well.length > primaries.length / 2;
}

/**
 * Marked failed is what a majority says, and what an election begins with. It is judged where a replica could take over by all that is
 * known of it; where none could, the gap of the shard tells what that costs.
 */
export default {
  name: 'dead-primary-is-replaced',
  claim: 'A primary that is marked failed is replaced within the time of an election, where a replica of it and a majority are well.',
  check(timeline) {
    if (timeline.phaseAtMs('steady') === undefined) return unknown('the run was never steady');
    const limitMs = electionDelayBoundsMs(timeline.run)[1] + 200 + allowanceMs;
    const all = outages(timeline);
    const late = all.flatMap((outage) => {
      const taken = failovers(timeline).find(({ victim, atMs }) => victim === outage.node && atMs >= outage.fromMs);
      const tookMs = Math.min(taken?.atMs ?? Number.POSITIVE_INFINITY, outage.toMs) - outage.fromMs;
      if (tookMs <= limitMs || !hasVoters(timeline, outage)) return [];
      const able = couldTakeOver(timeline, outage);
      if (able === undefined) return [];
      const said = wordsOf(timeline, outage.fromMs, outage.toMs);
      return [
        {
          seq: outage.seq,
          text: `${outage.node} was marked failed at ${formatMs(outage.fromMs)} and ${taken ? `replaced only after ${formatMs(tookMs)}` : `not replaced in ${formatMs(tookMs)}`}, though ${able} could take over${said}`,
        },
      ];
    });
    if (late.length > 0)
      return violated(
        `${late.map(({ text }) => text).join('; ')}; an election takes up to ${formatMs(limitMs)}`,
        late.map(({ seq }) => seq),
      );
    return heldByAll(
      'topology',
      [timeline.final('topology')],
      all.length === 0 ? 'no primary was marked failed' : 'every failed primary was replaced in time, or could not be',
    );
  },
} satisfies Invariant;
