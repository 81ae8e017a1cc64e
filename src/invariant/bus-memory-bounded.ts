import { formatMs } from '../base/duration.ts';
import { type Invariant, held, unknown, violated } from '../invariant.ts';

const told = (count: number): string => `${count.toLocaleString('en')} bytes`;

export default {
  name: 'bus-memory-bounded',
  claim: 'The links of the bus hold no more memory at any node than the budget allows.',
  suits: ({ budget }) => budget.busBytes !== undefined,
  check(timeline) {
    const { run } = timeline;
    const limit = run.budget.busBytes ?? 0;
    const samples = timeline.seen('memory', { fromMs: timeline.phaseAtMs('steady') ?? Number.POSITIVE_INFINITY });
    const worst = run.nodes
      .flatMap(({ name }) => {
        const own = samples.filter(({ node, value }) => node === name && value.linkBytes !== null);
        return own.length === 0
          ? []
          : [own.reduce((most, seen) => ((seen.value.linkBytes ?? 0) > (most.value.linkBytes ?? 0) ? seen : most))];
      })
      .toSorted((a, b) => (b.value.linkBytes ?? 0) - (a.value.linkBytes ?? 0));
    const say = ({ node, value, atMs }: (typeof worst)[number]): string =>
      `${node} held ${told(value.linkBytes ?? 0)} at ${formatMs(atMs)}`;
    const over = worst.filter(({ value }) => (value.linkBytes ?? 0) > limit);
    if (over.length > 0)
      return violated(
        `${over.map(say).join('; ')}, where ${told(limit)} are allowed`,
        over.map(({ seq }) => seq),
      );
    const [most] = worst;
    if (timeline.phaseAtMs('verify') === undefined || !most || worst.length < run.nodes.length)
      return unknown('not every node told the memory of its links to the end; engines before 7.0 do not tell it');
    return held(`${say(most)} at most, where ${told(limit)} are allowed`);
  },
} satisfies Invariant;
