import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import type { MemoryInfo } from '../timeline/observation.ts';

const defaultLimit = 1.5;
/** Below it the process itself weighs more than its holes. */
const floorBytes = 32 * 1_048_576;

/**
 * RSS counts what was freed and goes back to the kernel within ten seconds as well (jemalloc's dirty_decay_ms), and the
 * allocator's own ratio does not. An experiment that sets a limit means the ratio that operators watch; without one, both
 * must be above. Builds that link a jemalloc of their own may always tell 1 there (Valkey 9).
 */
const ratioOf = ({ fragmentation, allocatorFragmentation }: MemoryInfo, strict: boolean): number =>
  strict ? fragmentation : Math.min(fragmentation, allocatorFragmentation ?? fragmentation);

export default {
  name: 'fragmentation-bounded',
  claim: 'In the end no node that uses more than 32 MB has a fragmentation ratio above 1.5, or above the limit of the experiment.',
  check(timeline) {
    const final = timeline.final('memory');
    const { fragmentation: budget } = timeline.run.budget;
    const limit = budget ?? defaultLimit;
    const large = [...final.values()].flatMap((seen) => (seen && seen.value.usedBytes > floorBytes ? [seen] : []));
    if (large.length === 0)
      return budget === undefined
        ? heldByAll('INFO memory', [final], 'no node uses more than 32 MB')
        : unknown('no node uses more than 32 MB, where the ratio means something');
    const above = large.filter(({ value }) => ratioOf(value, budget !== undefined) > limit);
    const said = (seen: (typeof large)[number]): string =>
      `${seen.node} uses ${megabytes(seen.value.usedBytes)} of the ${megabytes(seen.value.rssBytes)} it occupies, ratio ${ratioOf(seen.value, budget !== undefined).toFixed(2)}`;
    if (above.length === 0) return heldByAll('INFO memory', [final], `${large.map(said).join('; ')}; ${limit} is allowed`);
    return violated(
      `${above.map(said).join('; ')}, where ${limit} is allowed`,
      above.map(({ seq }) => seq),
    );
  },
} satisfies Invariant;

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`;
