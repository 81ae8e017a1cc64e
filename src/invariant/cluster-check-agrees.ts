import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { silent } from '../timeline/claims.ts';
import { hangs } from '../timeline/hangs.ts';
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

/**
 * Its sentences, each with those of ours that say the same, or that explain it: it neither counts the slots of whom it
 * cannot reach nor of whom its first node flags (redis-cli.c clusterManagerLoadInfoFromNode).
 */
const inOurTerms: readonly (readonly [theirs: RegExp, ours: RegExp])[] = [
  [/slots in (migrating|importing) state|slots are open/, /has open slots$/],
  [/Not all 16384 slots/, /^[1-9]\d* slots are claimed by no primary|does not answer$| flags .* as |no bus link/],
  [/don.t agree about/, /describe different|, [1-9]\d* by more than one$|does not know/],
  [/Could not connect/, /does not answer$| flags .* as |no bus link/],
  [/unknown node ID/, /describe different|does not know/],
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

/** What a node that does not answer claims, it may go by what others list; we count what each says of itself. */
const unseen = (timeline: Timeline): readonly (readonly [RegExp, string])[] =>
  silent(timeline.final('topology')).length === 0 ? [] : [[/claimed by no primary, 0 by/, 'what is claimed by those that do not answer']];

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
    if (check.unasked !== undefined) return unknown(`--cluster check could not be asked at ${check.node}: ${check.unasked}`);
    const ours = objections(timeline);
    const theirs = check.objections;
    if (theirs.includes(hangs))
      return ours.length === 0
        ? unknown(`--cluster check at ${check.node} said nothing: ${hangs}`)
        : held(`--cluster check says nothing: ${hangs}, which it does where a node is listed at an address at which nobody is`);
    if (theirs.length + ours.length === 0) return held('both find all well');
    const said = (their: string, our: string): boolean =>
      inOurTerms.some(([theirPattern, ourPattern]) => theirPattern.test(their) && ourPattern.test(our));
    const news = theirs.filter((their) => !ours.some((our) => said(their, our)));
    if (news.length > 0)
      return violated(
        `--cluster check at ${check.node} objects where we find ${ours.length === 0 ? 'nothing' : `only that ${ours.slice(0, 3).join('; ')}`}: ${news.slice(0, 3).join('; ')}`,
        [check.seq],
      );
    const blind = [...blindTo, ...unseen(timeline), unlisted(timeline, check.node)];
    const missed = ours.filter((our) => !theirs.some((their) => said(their, our)) && !blind.some(([pattern]) => pattern.test(our)));
    if (missed.length > 0)
      return violated(
        `--cluster check at ${check.node} finds ${theirs.length === 0 ? 'all well' : `only that ${theirs[0]}`}, but ${missed.slice(0, 3).join('; ')}`,
        [check.seq],
      );
    if (theirs.length > 0) return held(`both object: --cluster check says ${theirs[0]}`);
    const unasked = [...new Set(ours.flatMap((objection) => blind.find(([pattern]) => pattern.test(objection))?.[1] ?? []))];
    return held(`--cluster check finds all well: it does not ask for ${unasked.join(', ')} (${ours.slice(0, 2).join('; ')})`);
  },
} satisfies Invariant;
