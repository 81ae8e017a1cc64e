import { heldByAll, type Invariant, violated } from '../invariant.ts';
import { disagreements, viewDefects } from '../timeline/health.ts';

export default {
  name: 'views-agree',
  claim: 'In the end all nodes know the same members, all linked and unflagged, with the same roles and slots.',
  check(timeline) {
    const final = timeline.final('topology');
    const views = new Map([...final].flatMap(([node, seen]) => (seen ? [[node, seen.value] as const] : [])));
    const defects = [...[...views].flatMap(([node, view]) => viewDefects(timeline.run, node, view)), ...disagreements(timeline.run, views)];
    if (defects.length === 0) return heldByAll('topology', [final], `all ${final.size} views are equal and clean`);
    return violated(
      defects.slice(0, 6).join('; '),
      [...final.values()].flatMap((seen) => seen?.seq ?? []),
    );
  },
} satisfies Invariant;
