import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { lacking } from '../timeline/health.ts';
import { orphans } from '../timeline/orphans.ts';
import type { Timeline } from '../timeline/timeline.ts';

/**
 * What `--cluster check` does not ask (redis-cli.c clusterManagerCheckCluster): it takes the nodes that its first one
 * lists without a bad flag, compares which slots each of them gives to whom, looks for open slots, and counts slots.
 */
const blindTo: readonly (readonly [RegExp, string])[] = [
  [/does not answer$/, 'nodes that do not answer, once they are flagged'],
  [/cluster_state:/, 'the state that nodes tell of'],
  [/not in step/, 'replication links'],
  [/ flags .* as /, 'flags'],
  [/no bus link/, 'bus links'],
  [/does not know/, 'who is missing from a view'],
  [/knows a stranger/, 'who is too many in a view'],
  [/is listed at/, 'addresses'],
  [/no node replicates/, 'primaries without a replica'],
  [/holds keys of/, 'keys of slots that are served elsewhere'],
];

/** It never hears what members say whom its first node does not list. */
function unlisted(timeline: Timeline, asked: string): readonly [RegExp, string] {
  const listed =
    timeline
      .final('topology')
      .get(asked)
      ?.value.map(({ id }) => id) ?? [];
  const names = timeline.run.nodes.filter(({ id }) => !listed.includes(id)).map(({ name }) => name);
  return [new RegExp(`^(${names.join('|')}) and \\S+ describe different`), 'what those say whom it does not list'];
}

/** Our own objections to the final state, in the terms of `settle`. */
function objections(timeline: Timeline): string[] {
  const final = <P extends 'cluster-info' | 'topology' | 'replication'>(probe: P) =>
    new Map([...timeline.final(probe)].flatMap(([node, seen]) => (seen ? [[node, seen.value] as const] : [])));
  const open = [...final('topology')].flatMap(([node, view]) =>
    view.filter(({ flags, open: slots }) => flags.includes('myself') && slots.length > 0).map(() => `${node} has open slots`),
  );
  return [
    ...lacking(timeline.run, { clusterInfo: final('cluster-info'), topology: final('topology'), replication: final('replication') }),
    ...open,
    ...orphans(timeline).map(({ node, slots }) => `${node} holds keys of ${slots.length} slots that are served elsewhere`),
  ];
}

export default {
  name: 'cluster-check-agrees',
  claim: "The engine's own --cluster check says the same of the final state, but for what it does not ask.",
  check(timeline) {
    const check = timeline.of('cluster-checked').at(-1);
    if (!check) return unknown('nobody asked --cluster check in the verify phase');
    const ours = objections(timeline);
    const theirs = check.objections;
    if (theirs.length > 0 && ours.length === 0)
      return violated(`--cluster check at ${check.node} objects where we find nothing: ${theirs.slice(0, 3).join('; ')}`, [check.seq]);
    if (theirs.length > 0) return held(`both object: --cluster check says ${theirs[0]}`);
    if (ours.length === 0) return held('both find all well');
    const blind = [...blindTo, unlisted(timeline, check.node)];
    const unexplained = ours.filter((objection) => !blind.some(([pattern]) => pattern.test(objection)));
    if (unexplained.length > 0)
      return violated(`--cluster check at ${check.node} finds all well, but ${unexplained.slice(0, 3).join('; ')}`, [check.seq]);
    const unasked = [...new Set(ours.flatMap((objection) => blind.find(([pattern]) => pattern.test(objection))?.[1] ?? []))];
    return held(`--cluster check finds all well: it does not ask for ${unasked.join(', ')} (${ours.slice(0, 2).join('; ')})`);
  },
} satisfies Invariant;
